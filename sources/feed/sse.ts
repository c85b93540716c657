import { Observable, type Subscriber } from 'rxjs'
import type { SourceContext, WireEvent } from '../../runtime/define.ts'
import { TidegateError } from '../../schemas/errors.ts'
import { formatDuration } from '../../schemas/units.ts'
import { isBusy, waitOf } from './busy.ts'
import { EventLines } from './event_lines.ts'
import { type Loss, messageOf, type SocketEvent, type SocketSettings, shown } from './socket.ts'

export interface EventStreamSettings<T> extends SocketSettings<T> {
  /** Sent as JSON to open the stream: what is subscribed to. */
  readonly body: unknown
}

/**
 * One stream of server-sent events that mends itself until it is unsubscribed: the events of `connect`, over HTTP. Of the
 * limits `pingAfter` means nothing: nobody can be asked for a sign of life, the server sends comments.
 */
export function connectEvents<T>(
  settings: EventStreamSettings<T>,
  around: Pick<SourceContext, 'clock' | 'random' | 'wire'>,
): Observable<SocketEvent<T>> {
  const live = (outside: Pick<SourceContext, 'clock' | 'random'>) =>
    new Observable<SocketEvent<T>>((subscriber) => {
      const link = new EventLink(settings, outside, subscriber)
      void link.dial()
      return () => link.close()
    })
  const again = (event: WireEvent): SocketEvent<T> =>
    event.type === 'message' ? { ...event, message: messageOf(settings, event.bytes, event.binary) } : event
  return around.wire?.socket(live, again) ?? live(around)
}

class EventLink<T> {
  private readonly settings: EventStreamSettings<T>
  private readonly around: Pick<SourceContext, 'clock' | 'random'>
  private readonly subscriber: Subscriber<SocketEvent<T>>
  private phase: 'starting' | 'started' | 'closed' = 'starting'
  private stop = new AbortController()
  private failures = 0
  private cancel = () => {}
  private unheard = 0
  private unfed = 0

  constructor(
    settings: EventStreamSettings<T>,
    around: Pick<SourceContext, 'clock' | 'random'>,
    subscriber: Subscriber<SocketEvent<T>>,
  ) {
    this.settings = settings
    this.around = around
    this.subscriber = subscriber
  }

  async dial(): Promise<void> {
    const { url, headers, body, limits } = this.settings
    const stop = new AbortController()
    this.stop = stop
    this.cancel = this.around.clock.after(limits.openWithin, () =>
      this.lose(stop, 'unanswered', `no answer within ${formatDuration(limits.openWithin)}`),
    )
    try {
      const response = await fetch(url, {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json', accept: 'text/event-stream', ...headers },
        redirect: 'error',
        signal: stop.signal,
      })
      const type = response.headers.get('content-type') ?? ''
      if (!response.ok || !type.startsWith('text/event-stream') || response.body === null) {
        const after = waitOf(response.headers.get('retry-after'))
        const what = response.ok ? `content type ${type || 'none'}` : `HTTP ${response.status}`
        this.lose(stop, 'refused', what, isBusy(response.status), after)
        return
      }
      await this.follow(stop, response.body)
      this.lose(stop, 'closed', 'the server ended the stream')
    } catch (error) {
      const { cause, message } = error as Error & { cause?: { code?: string } }
      this.lose(stop, 'failed', cause?.code ?? message)
    }
  }

  private async follow(stop: AbortController, body: ReadableStream<Uint8Array>): Promise<void> {
    const opened = this.around.clock.now()
    this.cancel()
    this.phase = 'started'
    this.unheard = 0
    this.unfed = 0
    this.guard(stop)
    const drop = (detail: string) => this.lose(stop, 'dropped', detail)
    this.subscriber.next({ type: 'opened', at: opened, send: () => {}, drop })
    const lines = new EventLines(this.settings.limits.maxBytes)
    for await (const chunk of body) {
      if (stop.signal.aborted) return
      const at = this.around.clock.now()
      this.unheard = 0
      const told = lines.take(chunk)
      if (told === 'oversized') {
        this.lose(stop, 'oversized', 'an event that is too long')
        return
      }
      if (told.length === 0) this.subscriber.next({ type: 'alive', at })
      for (const data of told) {
        const bytes = Buffer.from(data)
        const message = messageOf(this.settings, bytes, false)
        if (this.settings.isData(message)) this.unfed = 0
        this.subscriber.next({ type: 'message', at, message, bytes, binary: false })
        if (stop.signal.aborted) return
      }
      if (at - opened >= this.settings.limits.stableAfter) this.failures = 0
    }
  }

  /** Silence is counted in looks, not read off the clock: see `socket.ts`. */
  private guard(stop: AbortController): void {
    const { silentFor, stallAfter } = this.settings.limits
    const period = Math.min(silentFor, stallAfter) / 4
    this.cancel = this.around.clock.after(period, () => {
      this.unheard += period
      this.unfed += period
      if (this.unfed > stallAfter) this.lose(stop, 'stalled', `no data for ${formatDuration(stallAfter)}`)
      else if (this.unheard > silentFor) this.lose(stop, 'silent', `no sign of life for ${formatDuration(silentFor)}`)
      else this.guard(stop)
    })
  }

  private lose(stop: AbortController, loss: Loss, detail: string, passes = false, least = 0): void {
    if (stop.signal.aborted || this.phase === 'closed') return
    const { clock, random } = this.around
    const { backoff, backoffCap, startAttempts } = this.settings.limits
    stop.abort()
    this.cancel()
    const attempt = ++this.failures
    if (this.phase === 'starting' && ((loss === 'refused' && !passes) || attempt >= startAttempts)) {
      const { name, url } = this.settings
      const problem = `${name}: could not open ${shown(url)}: ${loss} (${detail})`
      this.subscriber.error(new TidegateError('SOURCE_FAILED', problem, { url: shown(url), loss, attempts: attempt }))
      return
    }
    const after = Math.max(least, Math.round(random() * Math.min(backoffCap, backoff * 2 ** (attempt - 1))))
    this.subscriber.next({ type: 'lost', at: clock.now(), loss, detail })
    this.subscriber.next({ type: 'retrying', after, attempt })
    if (this.subscriber.closed) return
    this.cancel = clock.after(after, () => void this.dial())
  }

  close(): void {
    this.phase = 'closed'
    this.cancel()
    this.stop.abort()
  }
}
