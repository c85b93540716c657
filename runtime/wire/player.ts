import { Observable, type Subscriber } from 'rxjs'
import { TidegateError } from '../../schemas/errors.ts'
import type { SourceContext } from '../connect.ts'
import type { RawLine, RawStart, Stamped } from './raw_line.ts'
import { seeded } from './seeded.ts'
import { StepClock, turn } from './step_clock.ts'
import type { Around, Question, Reply, Wire, WireEvent } from './wire.ts'

type Heard = RawLine & { readonly word: 'in' | 'opened' | 'alive' | 'lost' | 'retrying' | 'failed' }
interface Line {
  readonly hear: (event: WireEvent) => void
  readonly fail: (error: unknown) => void
  /** `dropped`: the source gave up a connection that the recording has no end of there. */
  state: 'as_recorded' | 'dropped' | 'passed_over'
}

/** Stands in for the world: plays what was recorded, and lets the recorded time pass. */
export class Player implements Wire {
  private readonly clock: StepClock
  private readonly lines: Line[] = []
  private readonly addresses: ReadonlyMap<string, string | null>
  /** Of questions by what they ask: who waits for an answer, and answers nobody has asked for yet. */
  private readonly waiting = new Map<string, ((reply: Reply) => void)[]>()
  private readonly early = new Map<string, Reply[]>()
  private readonly asked = new Map<number, string>()
  readonly context: SourceContext

  constructor(at: number, { seed, position }: RawStart, addresses: ReadonlyMap<string, string | null>) {
    this.clock = new StepClock(at)
    this.addresses = addresses
    const endpoint = (name: string) => this.addresses.get(name) ?? undefined
    // what the source has to say of its connections was said when it was recorded
    const notice = () => {}
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
    const what = question.path
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
        this.asked.set(line.value.id, line.value.path)
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
      case 'dropped': {
        // then as now: what was received before it is dealt with
        const place = this.lines[connection]
        if (place?.state === 'dropped') place.state = 'as_recorded'
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

  private hear(place: Line, line: Heard): void {
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
    }
  }
}
