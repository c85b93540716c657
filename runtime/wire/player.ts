import { Observable, type Subscriber } from 'rxjs'
import { TidegateError } from '../../schemas/errors.ts'
import type { SourceContext, SourceItem } from '../connect.ts'
import type { RawLine, RawStart, Stamped } from './raw_line.ts'
import { seeded } from './seeded.ts'
import { StepClock, turn } from './step_clock.ts'
import type { Around, Question, Reply, Wire, WireEvent } from './wire.ts'

interface Line {
  readonly hear: (event: WireEvent) => void
  readonly fail: (error: unknown) => void
  /** `dropped`: the source gave up a connection that the recording has no end of there. */
  state: 'as_recorded' | 'dropped' | 'passed_over'
}

/** Stands in for the world: plays what was recorded, and lets the recorded time pass. */
class Player implements Wire {
  private readonly clock: StepClock
  private readonly lines: Line[] = []
  private readonly addresses: ReadonlyMap<string, string | null>
  /** Of questions by what they ask: who waits for an answer, and answers nobody has asked for yet. */
  private readonly waiting = new Map<string, ((reply: Reply) => void)[]>()
  private readonly early = new Map<string, Reply[]>()
  private readonly asked = new Map<number, string>()
  readonly context: SourceContext

  constructor(
    at: number,
    { seed, position }: RawStart,
    addresses: ReadonlyMap<string, string | null>,
    notice: (text: string) => void,
  ) {
    this.clock = new StepClock(at)
    this.addresses = addresses
    const endpoint = (name: string) => this.addresses.get(name) ?? undefined
    this.context = { clock: this.clock, random: seeded(seed), position, endpoint, notice, wire: this }
  }

  socket<E extends WireEvent>(_: (around: Around) => Observable<E>, again: (event: WireEvent) => E): Observable<E> {
    return new Observable((subscriber: Subscriber<E>) => {
      this.lines.push({
        hear: (event) => subscriber.next(again(event)),
        fail: (error) => subscriber.error(error),
        state: 'as_recorded',
      })
    })
  }
  ask(question: Question, _: () => Promise<Reply>, signal: AbortSignal): Promise<Reply> {
    const what = wordsOf(question)
    return new Promise((resolve, reject) => {
      if (signal.aborted) reject(signal.reason)
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
      const reply = this.early.get(what)?.shift()
      if (reply !== undefined) resolve(reply)
      else this.waiting.set(what, [...(this.waiting.get(what) ?? []), resolve])
    })
  }

  async play({ at, connection, line }: Stamped): Promise<void> {
    await this.clock.to(at)
    this.say(connection, line)
    await turn()
  }

  private say(connection: number, line: RawLine): void {
    switch (line.word) {
      case 'ask':
        this.asked.set(line.value.id, wordsOf(line.value))
        break
      case 'answer':
        this.answer(line.value)
        break
      case 'in':
      case 'opened':
      case 'alive':
      case 'lost':
      case 'retrying':
      case 'failed': {
        const place = this.lines[connection]
        if (place !== undefined) this.hear(place, line)
        break
      }
      case 'out':
      case 'stop':
      case 'start':
      case 'continued':
      case 'endpoint':
        break
    }
  }
  private answer({ id, ...reply }: { readonly id: number } & Reply): void {
    const what = this.asked.get(id)
    this.asked.delete(id)
    if (what === undefined) return
    const first = this.waiting.get(what)?.shift()
    if (first !== undefined) first(reply)
    else this.early.set(what, [...(this.early.get(what) ?? []), reply])
  }

  private hear(place: Line, line: RawLine): void {
    const at = this.clock.now()
    if (place.state === 'dropped' && line.word !== 'lost') {
      place.hear({ type: 'lost', at, loss: 'dropped', detail: 'here, and not when it was recorded' })
      place.state = 'passed_over'
    }
    if (place.state === 'passed_over' && line.word !== 'opened') return
    place.state = 'as_recorded'
    const drop = () => {
      place.state = 'dropped'
    }
    switch (line.word) {
      case 'opened':
        place.hear({ type: 'opened', at, send: () => {}, drop })
        break
      case 'in':
        place.hear({ type: 'message', at, bytes: line.bytes, binary: line.binary })
        break
      case 'alive':
        place.hear({ type: 'alive', at })
        break
      case 'lost':
        place.hear({ type: 'lost', at, loss: line.loss, detail: line.detail })
        break
      case 'retrying':
        place.hear({ type: 'retrying', after: line.after, attempt: line.attempt })
        break
      case 'failed':
        place.fail(new TidegateError('SOURCE_FAILED', line.value.message))
        break
      default:
        break
    }
  }
}
const wordsOf = ({ method, path, body }: Question): string => `${method} ${path} ${body}`

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
        session = new Session(at, line.value, open, notice)
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
  private readonly opening: readonly [at: number, start: RawStart, open: OpenRecorded, notice: (text: string) => void]
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
    const [at, start, open, notice] = this.opening
    this.player = new Player(at, start, this.addresses, notice)
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
