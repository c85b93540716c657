import { Observable } from 'rxjs'
import { TidegateError } from '../../schemas/errors.ts'
import type { SourceContext, SourceItem } from '../connect.ts'
import type { PlannedSource } from '../plan.ts'
import type { RawLine, Stamped } from './raw_line.ts'
import { type RawLimits, RawWriter, rawLimits } from './raw_writer.ts'
import { seeded } from './seeded.ts'
import { StepClock, turn } from './step_clock.ts'
import type { Around, Question, Reply, Wire, WireEvent } from './wire.ts'

interface Happening {
  readonly at: number
  readonly deal: () => void
}

/**
 * Stands between a source and the world, writes down what passes, and hands it on one thing at a time. The source sees
 * the clock of a replay already: what is played again later with these times gives the same rows, heartbeats and gaps.
 */
export class Recorder implements Wire {
  private readonly world: SourceContext
  private readonly writer: RawWriter
  private readonly clock: StepClock
  private readonly seed: number
  private readonly happenings: Happening[] = []
  private connections = 0
  private questions = 0
  private phase: 'running' | 'finishing' | 'finished' = 'running'
  private idle = Promise.resolve()
  private wake = () => {}
  private readonly failed: (error: unknown) => void

  /** `failed` is told once when nothing more can be recorded. @throws RECORDING_UNWRITABLE */
  constructor(
    directory: string,
    { id, component, params }: PlannedSource,
    world: SourceContext,
    failed: (error: unknown) => void,
    limits: RawLimits = rawLimits,
  ) {
    this.world = world
    this.failed = failed
    const at = world.clock.now()
    this.seed = Math.floor(world.random() * 2 ** 32)
    const { name: source, version } = component
    const { position, notice } = world
    const start = { tidegate_raw: 1, node: id, source, version, params, position, seed: this.seed } as const
    this.writer = new RawWriter(directory, start, at, limits, notice)
    this.clock = new StepClock(at, () => this.wake())
    this.idle = this.pump().catch(failed)
  }

  /** What the source is opened with. */
  get context(): SourceContext {
    const { world } = this
    return {
      ...world,
      clock: this.clock,
      random: seeded(this.seed),
      wire: this,
      endpoint: (name) => {
        const address = world.endpoint(name)
        this.write(-1, { word: 'endpoint', value: { name, address: bare(address) } })
        return address
      },
    }
  }

  socket<E extends WireEvent>(live: (around: Around) => Observable<E>): Observable<E> {
    const connection = this.connections++
    return new Observable((subscriber) => {
      const hear = (event: E) => {
        const told = this.heard(connection, event)
        if (!subscriber.closed) subscriber.next(told)
      }
      const fail = (error: unknown) => {
        const { code, message } = error instanceof TidegateError ? error : { code: '', message: String(error) }
        this.write(connection, { word: 'failed', value: { code, message } })
        subscriber.error(error)
      }
      const subscription = live(this.world).subscribe({
        next: (event) => this.happened(() => hear(event)),
        error: (error: unknown) => this.happened(() => fail(error)),
      })
      return () => subscription.unsubscribe()
    })
  }

  ask(question: Question, live: () => Promise<Reply>, signal: AbortSignal): Promise<Reply> {
    const id = ++this.questions
    this.write(-1, { word: 'ask', value: { id, ...question } })
    return new Promise((resolve, reject) => {
      if (signal.aborted) reject(signal.reason)
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
      const answered = (reply: Reply) => {
        if (signal.aborted) return
        this.happened(() => {
          this.write(-1, { word: 'answer', value: { id, ...reply } })
          resolve(reply)
        })
      }
      live().then(answered, reject)
    })
  }

  /** Opens the source with the recorder between. Closing it ends the recording. */
  opened(open: (context: SourceContext) => Observable<readonly SourceItem[]>): Observable<readonly SourceItem[]> {
    return new Observable((subscriber) => {
      const subscription = open(this.context).subscribe(subscriber)
      return () => {
        this.end()
        subscription.unsubscribe()
      }
    })
  }
  private end(): void {
    this.write(-1, { word: 'stop' })
    this.phase = 'finished'
    this.wake()
  }

  /** Deals with what has happened so far, and ends the recording. Then the source may be closed. */
  async finish(): Promise<void> {
    if (this.phase === 'running') this.phase = 'finishing'
    this.wake()
    await this.idle
    await this.writer.close()
  }

  private heard<E extends WireEvent>(connection: number, event: E): E {
    const at = this.clock.now()
    switch (event.type) {
      case 'opened': {
        this.write(connection, { word: 'opened' })
        const send = (text: string) => {
          this.write(connection, { word: 'out', text })
          event.send(text)
        }
        // what was received before is still dealt with, then comes the loss
        const drop = (detail: string) => {
          this.write(connection, { word: 'dropped' })
          event.drop(detail)
        }
        return { ...event, at, send, drop }
      }
      case 'message':
        this.write(connection, { word: 'in', bytes: event.bytes, binary: event.binary })
        return { ...event, at }
      case 'alive':
        this.write(connection, { word: 'alive' })
        return { ...event, at }
      case 'lost':
        this.write(connection, { word: 'lost', loss: event.loss, detail: event.detail })
        return { ...event, at }
      case 'retrying':
        this.write(connection, { word: 'retrying', after: event.after, attempt: event.attempt })
        return event
    }
    return event
  }
  private write(connection: number, line: RawLine): void {
    if (this.phase === 'finished') return
    const stamped: Stamped = { at: this.clock.now(), connection, line }
    try {
      this.writer.write(stamped)
    } catch (error) {
      this.phase = 'finished'
      this.wake()
      this.failed(error)
    }
  }
  private happened(deal: () => void): void {
    this.happenings.push({ at: this.world.clock.now(), deal })
    this.wake()
  }

  /** One thing at a time: what it sets off has come to its end before the next. */
  private async pump(): Promise<void> {
    const { happenings, clock, world } = this
    while (this.phase === 'running') {
      const next = happenings.shift()
      if (next !== undefined) await this.deal(next)
      else if (clock.due <= world.clock.now()) await clock.to(clock.due)
      else await this.something()
    }
    if (this.phase === 'finished') return
    for (const left of happenings.splice(0)) await this.deal(left)
    await clock.to(Math.max(clock.now(), world.clock.now()))
    this.end()
  }
  private async deal({ at, deal }: Happening): Promise<void> {
    await this.clock.to(Math.max(at, this.clock.now()))
    deal()
    await turn()
  }
  private something(): Promise<void> {
    return new Promise((resolve) => {
      const { clock, world } = this
      const wait = Math.max(0, clock.due - world.clock.now())
      const cancel = Number.isFinite(wait) ? world.clock.after(wait, resolve) : () => {}
      this.wake = () => {
        cancel()
        resolve()
      }
    })
  }
}

/** Keys stand in paths, queries and user names of addresses: only protocol and host are kept. */
function bare(address: string | undefined): string | null {
  if (address === undefined) return null
  if (!URL.canParse(address)) return 'unreadable:'
  const { protocol, host } = new URL(address)
  return `${protocol}//${host}`
}
