import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { gunzipSync } from 'node:zlib'
import { type WebSocket, WebSocketServer } from 'ws'
import { type Clock, wallClock } from '../runtime/clock.ts'
import { parseDuration } from '../schemas/units.ts'

/** What goes wrong when the `after`-th frame has been sent to a client; each once. Times in µs. */
export type Fault = { readonly after: number } & (
  | { readonly type: 'drop' }
  | { readonly type: 'close'; readonly code: number; readonly reason?: string }
  /** Says nothing for a while; `deaf` leaves pings unanswered too. */
  | { readonly type: 'stall'; readonly micros: number; readonly deaf?: boolean }
  | { readonly type: 'say'; readonly what: string | Buffer }
  /** Goes back over the last frames, as some venues do after a reconnection. */
  | { readonly type: 'repeat'; readonly frames: number }
  /** Leaves frames out: a real loss. */
  | { readonly type: 'skip'; readonly frames: number }
)
/** What the n-th attempt to connect meets; later ones are accepted. */
export type Upgrade = 'accept' | 'unanswered' | { readonly refuse: number }

export interface Venue {
  /** Frames every client gets, text or binary, in order. */
  readonly frames: readonly (string | Buffer)[]
  /** Messages a second; as fast as the client reads where it is absent. */
  readonly rate?: number
  readonly faults?: readonly Fault[]
  readonly upgrades?: readonly Upgrade[]
  /** After the last frame: keep the connection (the default) or close it. */
  readonly end?: 'stay' | 'close'
  readonly port?: number
  readonly clock?: Clock
  /** What the REST side of the venue answers; undefined is HTTP 404. */
  readonly rest?: (url: URL, attempt: number) => RestAnswer | undefined
}
export interface RestAnswer {
  /** Sent as JSON; text is sent as it is. */
  readonly body: unknown
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** µs until it is sent; Infinity for never. */
  readonly after?: number
}
export interface VenueConnection {
  readonly url: string
  /** The first frame this connection was to get. */
  readonly from: number
  /** Frames sent on it, without what faults added. */
  sent: number
  readonly received: string[]
  state: 'open' | 'closed'
}
export interface RunningVenue {
  readonly url: string
  readonly restUrl: string
  /** Paths and queries that REST was asked for. */
  readonly asked: readonly string[]
  readonly connections: readonly VenueConnection[]
  /** Attempts to connect, refused ones included. */
  readonly attempts: () => number
  readonly sent: () => number
  readonly close: () => Promise<void>
}

/** A WebSocket server on this machine that plays recorded frames, with a script of faults. */
export async function startVenue(venue: Venue): Promise<RunningVenue> {
  const connections: VenueConnection[] = []
  const sockets = new Set<Duplex>()
  const places = new Places(venue.faults ?? [])
  let attempts = 0
  const asked: string[] = []
  const clock = venue.clock ?? wallClock
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1')
    asked.push(request.url ?? '/')
    const answer = venue.rest?.(url, asked.length)
    if (answer === undefined) {
      response.writeHead(404).end()
      return
    }
    const { body, status = 200, headers = {}, after = 0 } = answer
    if (after === Number.POSITIVE_INFINITY) return
    clock.after(after, () =>
      response.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body)),
    )
  })
  const webSockets = new WebSocketServer({ noServer: true, autoPong: false, perMessageDeflate: false })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  const welcome = (client: WebSocket, url: string, socket: Duplex) => {
    const place = places.take(url)
    const connection: VenueConnection = { url, from: place.next, sent: 0, received: [], state: 'open' }
    connections.push(connection)
    client.on('error', () => {})
    client.on('message', (data) => connection.received.push(String(data)))
    const leave = () => {
      if (connection.state === 'open') places.leave(url, place)
      connection.state = 'closed'
    }
    client.once('close', leave)
    void new Player(venue, client, socket, place, connection, leave).play()
  }
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const upgrade = venue.upgrades?.[attempts] ?? 'accept'
    attempts++
    if (upgrade === 'unanswered') return
    if (upgrade !== 'accept') {
      socket.end(`HTTP/1.1 ${upgrade.refuse} Refused\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
      return
    }
    socket.on('error', () => {})
    void goodbyes().then(() =>
      webSockets.handleUpgrade(request, socket, head, (client) => welcome(client, request.url ?? '/', socket)),
    )
  })
  server.listen(venue.port ?? 0, '127.0.0.1')
  await once(server, 'listening')
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url: `ws://${host}`,
    restUrl: `http://${host}`,
    asked,
    connections,
    attempts: () => attempts,
    sent: () => connections.reduce((sum, { sent }) => sum + sent, 0),
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

/**
 * Who comes back has hung up before, but the system may tell of the new connection first: turns of the event loop in
 * which the close frame and then the end of the old one are read.
 */
async function goodbyes(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) await setImmediate()
}

interface Place {
  next: number
  readonly faults: Fault[]
}
/** Where clients were. A client is known by its URL; one that comes back takes over the place that was left last. */
class Places {
  private readonly left = new Map<string, Place[]>()
  private readonly faults: readonly Fault[]
  constructor(faults: readonly Fault[]) {
    this.faults = faults
  }
  take(url: string): Place {
    return this.left.get(url)?.pop() ?? { next: 0, faults: this.faults.toSorted((a, b) => a.after - b.after) }
  }
  leave(url: string, place: Place): void {
    this.left.set(url, [...(this.left.get(url) ?? []), place])
  }
}

/** Plays to one client until it is gone. */
class Player {
  private readonly venue: Venue
  private readonly client: WebSocket
  private readonly socket: Duplex
  private readonly place: Place
  private readonly connection: VenueConnection
  private readonly leave: () => void
  private readonly clock: Clock
  private hearing: 'hears' | 'deaf' = 'hears'

  constructor(
    venue: Venue,
    client: WebSocket,
    socket: Duplex,
    place: Place,
    connection: VenueConnection,
    leave: () => void,
  ) {
    this.venue = venue
    this.client = client
    this.socket = socket
    this.place = place
    this.connection = connection
    this.leave = leave
    this.clock = venue.clock ?? wallClock
    client.on('ping', (data) => this.hearing === 'hears' && client.pong(data))
  }

  async play(): Promise<void> {
    const { frames, rate, end } = this.venue
    const { place, connection, clock } = this
    const began = clock.now()
    while (connection.state === 'open') {
      const fault = place.faults[0]
      if (fault !== undefined && fault.after <= place.next) {
        place.faults.shift()
        await this.err(fault)
        continue
      }
      const frame = frames[place.next]
      if (frame === undefined) {
        if (end === 'close') this.client.close(1000)
        return
      }
      const due = rate === undefined ? 0 : began + (connection.sent / rate) * 1e6 - clock.now()
      if (due > 0) await this.wait(due)
      if (connection.state !== 'open') return
      place.next++
      connection.sent++
      if (connection.sent % 64 > 0) this.client.send(frame)
      else {
        // The sender waits until the system has taken the bytes, and lets others in the process have their turn.
        await this.said(frame)
        await setImmediate()
      }
    }
  }

  private async err(fault: Fault): Promise<void> {
    const { place } = this
    switch (fault.type) {
      case 'drop':
        await this.flushed()
        this.leave()
        this.socket.destroy()
        break
      case 'close':
        this.leave()
        this.client.close(fault.code, fault.reason)
        break
      case 'stall':
        this.hearing = fault.deaf === true ? 'deaf' : 'hears'
        await this.wait(fault.micros)
        this.hearing = 'hears'
        break
      case 'say':
        await this.said(fault.what)
        break
      case 'repeat':
        place.next = Math.max(0, place.next - fault.frames)
        break
      case 'skip':
        place.next += fault.frames
        break
    }
  }

  /** A client that leaves ends the wait. */
  private wait(micros: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        cancel()
        this.client.off('close', done)
        resolve()
      }
      const cancel = this.clock.after(micros, done)
      this.client.once('close', done)
    })
  }

  private said(what: string | Buffer): Promise<void> {
    return new Promise((resolve) => this.client.send(what, () => resolve()))
  }

  private flushed(): Promise<void> {
    return new Promise((resolve) => this.socket.write('', () => resolve()))
  }
}

/** The frames of a recording: one `<time> <json>` or plain JSON a line, gzipped or not. */
export async function readFrames(path: string): Promise<string[]> {
  const bytes = await readFile(path)
  const text = (bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes).toString('utf8')
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.replace(/^\d+ /, ''))
}

const usage = `node --import tsx testing/venue_server.ts FILE [--port P] [--rate N]
  [--drop-after N [--overlap K | --lose K]] [--stall-after N --stall-for 5s [--deaf]]
  [--rubbish-after N] [--refuse STATUS] [--end close]
`
async function main(): Promise<void> {
  const text = { type: 'string' } as const
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      port: text,
      rate: text,
      'drop-after': text,
      overlap: text,
      lose: text,
      'stall-after': text,
      'stall-for': text,
      deaf: { type: 'boolean' },
      'rubbish-after': text,
      refuse: text,
      end: text,
    },
  })
  const [file] = positionals
  if (file === undefined) {
    process.stderr.write(usage)
    process.exitCode = 2
    return
  }
  const number = (value: string | undefined) => {
    if (value !== undefined && !(Number(value) >= 0)) throw new TypeError(`expected a number, found ${value}\n${usage}`)
    return value === undefined ? undefined : Number(value)
  }
  const faults: Fault[] = []
  const dropAfter = number(values['drop-after'])
  if (dropAfter !== undefined) {
    faults.push({ type: 'drop', after: dropAfter })
    if (values.overlap !== undefined) faults.push({ type: 'repeat', after: dropAfter, frames: Number(values.overlap) })
    if (values.lose !== undefined) faults.push({ type: 'skip', after: dropAfter, frames: Number(values.lose) })
  }
  const stallAfter = number(values['stall-after'])
  const micros = parseDuration(values['stall-for'] ?? '5s') ?? 5e6
  if (stallAfter !== undefined) faults.push({ type: 'stall', after: stallAfter, micros, deaf: values.deaf === true })
  const rubbishAfter = number(values['rubbish-after'])
  if (rubbishAfter !== undefined) faults.push({ type: 'say', after: rubbishAfter, what: '{"stream":"half' })
  const rate = number(values.rate)
  const port = number(values.port)
  const { url } = await startVenue({
    frames: await readFrames(file),
    faults,
    ...(rate === undefined ? {} : { rate }),
    ...(port === undefined ? {} : { port }),
    ...(values.refuse === undefined ? {} : { upgrades: Array(1e3).fill({ refuse: Number(values.refuse) }) }),
    ...(values.end === 'close' ? { end: 'close' } : {}),
  })
  process.stdout.write(`${url}\n`)
}
if (process.argv[1] === fileURLToPath(import.meta.url)) await main()
