import type { Subscription } from 'rxjs'
import type { SourceContext } from '../../runtime/define.ts'
import { formatDuration } from '../../schemas/units.ts'
import type { Outlet } from '../feed/outlet.ts'
import { connect, type SocketEvent, type SocketLimits } from '../feed/socket.ts'
import { connectEvents } from '../feed/sse.ts'
import { type Finality, isData, pingEvery, pingText, readStream, type StreamWord, subscription } from './streaming.ts'
import { toncenter } from './toncenter.ts'

export interface StreamSettings {
  readonly name: string
  readonly transport: 'websocket' | 'sse'
  readonly addresses: readonly string[]
  readonly finality: Finality
  readonly headers: Readonly<Record<string, string>>
  readonly limits: SocketLimits
  readonly context: SourceContext
  readonly outlet: Outlet
  readonly heard: (word: StreamWord, received: number, bytes: Buffer) => void
  readonly alive: (at: number) => void
  readonly lost: () => void
  readonly failed: (error: unknown) => void
}

/** The one connection to the Streaming API: subscribed whenever it opens, pinged, and what it lived through told. */
export class StreamLine {
  private readonly settings: StreamSettings
  private readonly url: string
  private subscription: Subscription | undefined
  private stopPing = () => {}
  private dropLine: (detail: string) => void = () => {}
  private state: 'down' | 'open' = 'down'

  constructor(settings: StreamSettings) {
    this.settings = settings
    const { transport, context, name } = settings
    const own = transport === 'sse' ? `${toncenter}/api/streaming/v2/sse` : 'wss://toncenter.com/api/streaming/v2/ws'
    this.url = context.endpoint(name) ?? own
  }

  get open(): boolean {
    return this.state === 'open'
  }
  start(): void {
    const { name, transport, headers, limits, context, addresses, finality, failed } = this.settings
    const unread = { type: 'invalid', reason: 'reader_failed' } as const
    const settings = { name, url: this.url, headers, limits, read: readStream, unread, isData }
    const body = subscription(addresses, finality)
    const events = transport === 'sse' ? connectEvents({ ...settings, body }, context) : connect(settings, context)
    this.subscription = events.subscribe({ next: (event) => this.take(event, body), error: failed })
  }
  stop(): void {
    this.stopPing()
    this.subscription?.unsubscribe()
  }

  /** Gives the connection up and opens another. */
  drop(detail: string): void {
    this.dropLine(detail)
  }

  private take(event: SocketEvent<StreamWord>, body: object): void {
    const { transport, outlet, heard, alive } = this.settings
    switch (event.type) {
      case 'opened': {
        const { host } = new URL(this.url)
        this.state = 'open'
        this.dropLine = event.drop
        this.notice(`connected to ${host}`)
        outlet.event('*', 'connected', host)
        if (transport === 'sse') break
        event.send(JSON.stringify({ operation: 'subscribe', id: 'subscribe', ...body }))
        this.ping(event.send)
        break
      }
      case 'message':
        heard(event.message, event.at, event.bytes)
        break
      case 'alive':
        alive(event.at)
        break
      case 'lost':
        this.lose(`${event.loss}: ${event.detail}`)
        break
      case 'retrying':
        outlet.event('*', 'retrying', `in ${formatDuration(Math.round(event.after / 1e3) * 1e3)}`, event.attempt)
        break
    }
  }
  private ping(send: (text: string) => void): void {
    this.stopPing = this.settings.context.clock.after(pingEvery, () => {
      send(pingText)
      this.ping(send)
    })
  }
  private lose(detail: string): void {
    this.notice(`connection lost: ${detail}`)
    if (this.state === 'open') this.settings.outlet.event('*', 'lost', detail)
    this.state = 'down'
    this.stopPing()
    this.settings.lost()
  }
  private notice(text: string): void {
    this.settings.context.notice(`${this.settings.name}: ${text}`)
  }
}
