import type { Subscription } from 'rxjs'
import type { SourceContext } from '../../runtime/define.ts'
import { formatDuration } from '../../schemas/units.ts'
import type { Outlet } from './outlet.ts'
import { connect, type Loss, type SocketEvent, type SocketLimits } from './socket.ts'
import type { Channel, Word } from './venue.ts'

/** What is done with one of the connections. Nothing is while it is down. */
export interface Line {
  readonly send: (text: string) => void
  /** Gives it up and opens another. */
  readonly drop: (detail: string) => void
  /** Asks for a symbol again that was refused, in a while. */
  readonly askAgain: (symbol: string) => void
}
/** µs until a symbol that was refused is asked for again. */
const ASK_AGAIN = 60e6
export interface LinesSettings<T> {
  readonly channel: Channel<T>
  readonly url: string
  /** How many carry the same rows beside each other. */
  readonly count: number
  readonly context: SourceContext
  readonly outlet: Outlet
  readonly heard: (line: Line, word: Word<T>, received: number, bytes: Buffer) => void
  readonly alive: (at: number) => void
  /** A connection is open; `first`: none was before. */
  readonly opened: (line: Line, at: number, first: boolean) => void
  /** A connection was lost; `last`: none is left. */
  readonly lost: (loss: Loss, last: boolean) => void
  readonly failed: (error: unknown) => void
}

interface Open extends Line {
  readonly state: 'open'
  stopPing: () => void
  readonly stopAsking: Map<string, () => void>
}
type State = Open | { readonly state: 'down' }

/** The connections of a feed: each greets, pings and is tried again by itself. */
export class Lines<T> {
  private readonly settings: LinesSettings<T>
  private readonly states: State[]
  /** Those that were open, or may yet be. */
  private readonly hopeful: Set<number>
  private readonly subscriptions: Subscription[] = []

  constructor(settings: LinesSettings<T>) {
    this.settings = settings
    this.states = Array.from({ length: settings.count }, () => ({ state: 'down' }))
    this.hopeful = new Set(this.states.keys())
  }

  get count(): number {
    return this.states.length
  }
  /** The first connection, where it is open. */
  get first(): Line | undefined {
    const [state] = this.states
    return state?.state === 'open' ? state : undefined
  }

  start(limits: SocketLimits): void {
    const { channel, url, context, failed } = this.settings
    const { name, read } = channel
    const unread = { type: 'invalid', reason: 'reader_failed' } as const
    for (const index of this.states.keys())
      this.subscriptions.push(
        connect<Word<T>>(
          { name, url, limits, read, unread, isData, isEnd: () => this.isEnd(index) },
          context,
        ).subscribe({
          next: (event) => this.take(index, event),
          error: failed,
        }),
      )
  }
  stop(): void {
    for (const state of this.states) silence(state)
    for (const subscription of this.subscriptions) subscription.unsubscribe()
  }

  private isEnd(index: number): boolean {
    this.hopeful.delete(index)
    return this.hopeful.size === 0
  }
  private take(index: number, event: SocketEvent<Word<T>>): void {
    const { outlet, alive, heard } = this.settings
    const state = this.states[index] as State
    switch (event.type) {
      case 'message':
        if (state.state === 'open') heard(state, event.message, event.at, event.bytes)
        break
      case 'alive':
        alive(event.at)
        break
      case 'opened':
        this.open(index, event)
        break
      case 'lost':
        this.lose(index, event)
        break
      case 'retrying': {
        const wait = formatDuration(Math.round(event.after / 1e3) * 1e3)
        this.notice(`trying again in ${wait} (attempt ${event.attempt})`)
        outlet.event('*', 'retrying', `in ${wait}`, event.attempt)
        break
      }
    }
  }
  private open(index: number, { at, send, drop }: SocketEvent<Word<T>> & { readonly type: 'opened' }): void {
    const { url, channel, outlet, opened, context } = this.settings
    const first = this.states.every(({ state }) => state === 'down')
    const { host } = new URL(url)
    const greet = (symbols?: readonly string[]) => {
      for (const text of channel.greet(symbols)) send(text)
    }
    const stopAsking = new Map<string, () => void>()
    const askAgain = (symbol: string) => {
      stopAsking.get(symbol)?.()
      stopAsking.set(
        symbol,
        context.clock.after(ASK_AGAIN, () => greet([symbol])),
      )
    }
    const line: Open = { state: 'open', send, drop, askAgain, stopPing: () => {}, stopAsking }
    this.states[index] = line
    this.hopeful.add(index)
    this.notice(`connected to ${host}`)
    outlet.event('*', 'connected', host)
    greet()
    if (channel.ping !== undefined) this.ping(line, channel.ping)
    opened(line, at, first)
  }
  private ping(line: Open, ping: { readonly every: number; readonly text: string }): void {
    line.stopPing = this.settings.context.clock.after(ping.every, () => {
      line.send(ping.text)
      this.ping(line, ping)
    })
  }
  private lose(index: number, { loss, detail }: SocketEvent<Word<T>> & { readonly type: 'lost' }): void {
    const { outlet, lost } = this.settings
    const state = this.states[index] as State
    this.states[index] = { state: 'down' }
    this.notice(`connection lost: ${loss} (${detail})`)
    silence(state)
    if (state.state === 'open') {
      outlet.event('*', 'lost', `${loss}: ${detail}`)
    }
    lost(
      loss,
      this.states.every((other) => other.state === 'down'),
    )
  }
  private notice(text: string): void {
    this.settings.context.notice(`${this.settings.channel.name}: ${text}`)
  }
}

function silence(state: State): void {
  if (state.state === 'down') return
  state.stopPing()
  for (const stop of state.stopAsking.values()) stop()
}

const isData = ({ type }: Word<unknown>): boolean =>
  type === 'row' || type === 'rows' || type === 'left_out' || type === 'book'
