import type { Observable } from 'rxjs'
import type { SourceContext, SourceItem } from '../connect.ts'
import { Player } from './player.ts'
import type { RawStart, Stamped } from './raw_line.ts'
import { turn } from './step_clock.ts'

/** Opens the source a recording was made of, with what it has in place of the world. */
export type OpenRecorded = (start: RawStart, context: SourceContext) => Observable<readonly SourceItem[]>

/**
 * What a source makes of a recording: the rows, gaps, heartbeats and events it gave when it was recorded, as long as it
 * reads frames as it did then. A recording that was begun again and again gives one after the other.
 * @throws what the source failed with where it gave nothing at all, and what reading the recording throws
 */
export async function* playRaw(
  recorded: AsyncIterable<Stamped>,
  open: OpenRecorded,
  notice: (text: string) => void,
): AsyncGenerator<readonly SourceItem[]> {
  let session: Session | undefined
  let count = 0
  let failure: unknown
  function* told(): Generator<readonly SourceItem[]> {
    const items = session?.take() ?? []
    count += items.length
    if (items.length > 0) yield items
  }
  const end = async () => {
    await session?.begin()
    failure = session?.close() ?? failure
  }
  try {
    for await (const stamped of recorded) {
      const { at, line } = stamped
      if (line.word === 'start' || (session === undefined && line.word === 'continued')) {
        if (line.word === 'continued') notice('the recording begins in the middle: files before are absent')
        await end()
        yield* told()
        session = new Session(at, line.value, open)
      } else {
        await session?.play(stamped)
        yield* told()
      }
    }
    await end()
    yield* told()
  } finally {
    session?.close()
  }
  if (failure === undefined) return
  if (count === 0) throw failure
  notice(`a part of the recording ended with: ${(failure as Error).message}`)
}

class Session {
  private readonly opening: readonly [at: number, start: RawStart, open: OpenRecorded]
  private readonly addresses = new Map<string, string | null>()
  private player: Player | undefined
  private items: SourceItem[] = []
  private failure: unknown
  private unsubscribe = () => {}

  constructor(...opening: Session['opening']) {
    this.opening = opening
  }
  async play(stamped: Stamped): Promise<void> {
    const { line } = stamped
    // addresses are asked for while a source is opened: they are known before it is
    if (line.word === 'endpoint') this.addresses.set(line.value.name, line.value.address)
    else {
      await this.begin()
      if (this.failure === undefined) await this.player?.play(stamped)
    }
  }
  async begin(): Promise<void> {
    if (this.player !== undefined) return
    const [at, start, open] = this.opening
    this.player = new Player(at, start, this.addresses)
    const subscription = open(start, this.player.context).subscribe({
      next: (items) => {
        for (const item of items) this.items.push(item)
      },
      error: (error: unknown) => {
        this.failure = error
      },
    })
    this.unsubscribe = () => subscription.unsubscribe()
    await turn()
  }
  take(): readonly SourceItem[] {
    const { items } = this
    this.items = []
    return items
  }
  /** Gives what the source failed with. */
  close(): unknown {
    this.unsubscribe()
    return this.failure
  }
}
