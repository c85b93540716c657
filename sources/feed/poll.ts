import { Observable, type Subscriber } from 'rxjs'
import { pause, type SourceContext, type SourceItem } from '../../runtime/define.ts'
import type { Gap } from '../../schemas/market.ts'
import { formatDuration } from '../../schemas/units.ts'
import { textOf } from './invalid.ts'
import { Outlet } from './outlet.ts'
import { Rest, RestFailure } from './rest.ts'

/** What one question gave. */
export interface Polled {
  readonly rows: readonly { readonly at: number; readonly key: string; readonly value: unknown }[]
  /** Whether what was told before is proven to be followed by this. */
  readonly continuous: boolean
  /** Changes whenever the interface says something new: what never changes is a page somebody keeps serving. */
  readonly mark: string
  /** What was kept out. */
  readonly invalid?: readonly { readonly key: string; readonly reason: string; readonly text: string }[]
}
/** An answer that cannot be read: told as invalid, and asked for again. */
export class Unreadable extends Error {
  readonly reason: string
  readonly text: string
  constructor(reason: string, answer: unknown) {
    super(`an answer that is not as documented: ${reason}`)
    this.reason = reason
    this.text = textOf(answer)
  }
}

/** One thing that is asked for again and again. */
export interface Question {
  /** For the events that tell of it. */
  readonly name: string
  /** Instruments whose rows it gives. */
  readonly keys: readonly string[]
  /** µs between two answers. */
  readonly every: number
  /** @throws RestFailure, Unreadable */
  readonly ask: (rest: Rest) => Promise<Polled>
}
export interface Polling {
  readonly questions: readonly Question[]
  /** The source, for notices and endpoints. */
  readonly name: string
  /** The address of the interface; `context.endpoint(name)` stands in for it. */
  readonly base: string
  readonly headers?: Readonly<Record<string, string>>
  /** Questions a second at most, over all of them. */
  readonly rate: number
  /** µs without anything new after which the interface counts as stalled. */
  readonly staleAfter: number
  /** µs of the first wait after a failure, and the longest. */
  readonly backoff?: number
  readonly backoffCap?: number
  readonly timeout?: number
}

/**
 * Asks interfaces the same questions again and again, within the rate each allows; it mends itself, and tells all that
 * happened: failures, rubbish, answers that never change. Without a `continuous` answer what lies between is a gap.
 */
export const poll = (interfaces: readonly Polling[], context: SourceContext): Observable<readonly SourceItem[]> =>
  new Observable((subscriber) => {
    const asked = interfaces.filter(({ questions }) => questions.length > 0)
    const pollers = asked.map((polling) => new Poller(polling, context, subscriber))
    for (const poller of pollers) poller.start()
    return () => {
      for (const poller of pollers) poller.stop()
    }
  })

interface Course {
  state: 'starting' | 'answering' | 'failing' | 'stale'
  failures: number
  mark: string
  /** Local time of the last change. */
  changed: number
  /** Event time of the newest row of each instrument. */
  readonly newest: Map<string, number>
}

class Poller {
  private readonly settings: Polling
  private readonly context: SourceContext
  private readonly outlet: Outlet
  private readonly rest: Rest
  private readonly stopping = new AbortController()

  constructor(settings: Polling, context: SourceContext, subscriber: Subscriber<readonly SourceItem[]>) {
    this.settings = settings
    this.context = context
    this.outlet = new Outlet((items) => subscriber.next(items))
    const { clock, random, wire } = context
    const base = context.endpoint(settings.name) ?? settings.base
    const { headers = {}, timeout = 10e6 } = settings
    // one attempt: what fails is told, and the wait is ours
    const rest = new Rest({ base, clock, random, wire, headers, timeout, attempts: 1, pace: 1e6 / settings.rate })
    this.rest = rest.until(this.stopping.signal)
  }

  start(): void {
    for (const question of this.settings.questions) void this.follow(question)
  }
  stop(): void {
    this.stopping.abort()
    this.outlet.begin(this.context.clock.now())
    this.outlet.flush()
  }

  private async follow(question: Question): Promise<void> {
    const { clock } = this.context
    const course: Course = { state: 'starting', failures: 0, mark: '', changed: clock.now(), newest: new Map() }
    while (!this.stopping.signal.aborted) {
      const asked = clock.now()
      let wait = 0
      try {
        const polled = await question.ask(this.rest)
        if (this.stopping.signal.aborted) return
        this.answered(question, course, polled)
        wait = question.every - (clock.now() - asked)
      } catch (error) {
        if (this.stopping.signal.aborted) return
        // an answer that its reader fails on must not end the process
        const known = error instanceof RestFailure || error instanceof Unreadable
        wait = this.failed(question, course, known ? error : new Unreadable('reader_failed', String(error)))
      }
      await pause(clock, wait, this.stopping.signal)
    }
  }

  private answered(question: Question, course: Course, polled: Polled): void {
    const { clock, position } = this.context
    const now = clock.now()
    const { outlet } = this
    const before = course.state
    course.failures = 0
    if (before === 'starting') this.gap(question, course, polled, position > 0 ? 'resumed' : 'connected')
    else if (before === 'failing' && !polled.continuous) this.gap(question, course, polled, 'disconnected')
    else if (!polled.continuous) this.gap(question, course, polled, 'sequence')
    if (before === 'starting' || before === 'failing') {
      outlet.event('*', 'connected', question.name)
      this.notice(`${question.name}: answered`)
    }
    if (polled.mark !== course.mark) {
      course.changed = now
      if (before === 'stale') outlet.event('*', 'connected', `${question.name}: something new again`)
      course.state = 'answering'
    } else if (before !== 'stale') course.state = 'answering'
    course.mark = polled.mark
    for (const { at, key, value } of polled.rows) {
      course.newest.set(key, Math.max(at, course.newest.get(key) ?? 0))
      outlet.tell({ type: 'row', at, key, value })
    }
    for (const { key, reason, text } of polled.invalid ?? []) outlet.invalid(key, reason, text)
    if (course.state === 'answering' && now - course.changed > this.settings.staleAfter)
      this.stale(question, course, now)
    outlet.begin(now)
  }
  private stale(question: Question, course: Course, now: number): void {
    course.state = 'stale'
    const detail = `${question.name}: nothing new for ${formatDuration(this.settings.staleAfter)}`
    this.notice(detail)
    this.outlet.event('*', 'lost', `stalled: ${detail}`)
    this.gap(question, course, { rows: [], continuous: false, mark: '' }, 'stalled', now)
  }
  private gap(
    question: Question,
    course: Course,
    polled: Polled,
    reason: Gap['reason'],
    now = this.context.clock.now(),
  ): void {
    for (const key of question.keys) {
      const first = polled.rows.find((row) => row.key === key)?.at ?? Math.max(now, this.outlet.newest)
      const since = course.newest.get(key) ?? 0
      this.outlet.tell({ type: 'gap', at: Math.max(first, since), key, value: { reason, missing: 0, since } })
    }
  }

  /** Answers how long to wait. */
  private failed(question: Question, course: Course, error: RestFailure | Unreadable): number {
    const { backoff = 1e6, backoffCap = 60e6 } = this.settings
    const { random, clock } = this.context
    const attempt = ++course.failures
    if (error instanceof Unreadable) this.outlet.invalid('*', error.reason, error.text)
    else if (error.reason === 'not_json' || error.reason === 'oversized') this.outlet.invalid('*', error.reason, '')
    if (course.state !== 'failing' && course.state !== 'starting')
      this.outlet.event('*', 'lost', `${question.name}: ${error.message}`)
    if (course.state !== 'starting') course.state = 'failing'
    const least = error instanceof RestFailure ? error.after : 0
    const wait = Math.max(least, Math.round(random() * Math.min(backoffCap, backoff * 2 ** (attempt - 1))))
    const words = formatDuration(Math.round(wait / 1e3) * 1e3)
    this.notice(`${question.name}: ${error.message}; trying again in ${words} (attempt ${attempt})`)
    this.outlet.event('*', 'retrying', `${question.name}: ${error.message}; in ${words}`, attempt)
    // what happens is told though the interface may never answer
    this.outlet.begin(clock.now())
    return wait
  }
  private notice(text: string): void {
    this.context.notice(`${this.settings.name}: ${text}`)
  }
}
