import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { FIRST_ID, symbolName, TradeMaker, textsOf } from './trade_maker.ts'
import { acceptance, FrameReader, serverFrame } from './websocket_bytes.ts'

export interface FloodSettings {
  readonly symbols: number
  /** Trades of a symbol that can be asked for over REST: the newest so many. */
  readonly window?: number
  /** Bytes that wait for a slow reader before it is cut off. */
  readonly patience?: number
}

/**
 * A venue that prints many trades: Binance's messages with numbers without holes, `GET /api/v3/historicalTrades` and
 * `/api/v3/exchangeInfo`. Who is not connected misses what is printed, as with a real one.
 */
export class FloodVenue {
  readonly names: readonly string[]
  /** Trades printed so far. */
  printed = 0
  /** Readers that were cut off because they were slow. */
  slow = 0
  asked = 0
  private readonly settings: Required<FloodSettings>
  private readonly maker: TradeMaker
  private readonly next: Float64Array
  private readonly times: readonly Float64Array[]
  private readonly clients = new Set<Duplex>()
  private readonly server = createServer((question, response) => this.answer(question, response))
  private block = Buffer.alloc(0)

  constructor(settings: FloodSettings) {
    this.settings = { window: 2 ** 16, patience: 2 ** 26, ...settings }
    const { symbols, window } = this.settings
    this.names = Array.from({ length: symbols }, (_, n) => symbolName(n))
    this.maker = new TradeMaker(symbols)
    this.next = new Float64Array(symbols).fill(FIRST_ID)
    this.times = this.names.map(() => new Float64Array(window))
    this.server.on('upgrade', (question: IncomingMessage, socket: Duplex) => this.admit(question, socket))
  }

  async listen(): Promise<string> {
    this.server.listen(0, '127.0.0.1')
    await once(this.server, 'listening')
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`
  }
  get connected(): number {
    return this.clients.size
  }
  /** Bytes that wait to be read by the slowest. */
  get waiting(): number {
    return Math.max(0, ...[...this.clients].map(({ writableLength }) => writableLength))
  }
  /** The newest trade of a symbol. */
  last(symbol: number): number {
    return this.next[symbol]! - 1
  }
  /** The oldest trade of a symbol that can still be asked for. */
  oldest(symbol: number): number {
    return Math.max(FIRST_ID, this.next[symbol]! - this.settings.window)
  }

  /** Prints trades of the symbols `pick` names, at `time` in ms, and sends them to all who are connected, in one piece. */
  print(count: number, time: number, pick: () => number): void {
    const size = count * this.maker.largest
    // what was written is the socket's until it is sent
    if (this.block.length < size || this.waiting > 0) this.block = Buffer.allocUnsafeSlow(size)
    let end = 0
    for (let n = 0; n < count; n++) {
      const symbol = pick()
      const id = this.next[symbol]!++
      this.times[symbol]![id % this.settings.window] = time
      end = this.maker.write(this.block, end, symbol, id, time)
    }
    this.printed += count
    for (const client of this.clients) {
      client.write(this.block.subarray(0, end))
      if (client.writableLength <= this.settings.patience) continue
      this.slow++
      this.clients.delete(client)
      client.destroy()
    }
  }

  /** Resolves when those who read have taken what waits. */
  async drained(): Promise<void> {
    await Promise.all(
      [...this.clients].filter(({ writableNeedDrain }) => writableNeedDrain).map((one) => once(one, 'drain')),
    )
  }
  async close(): Promise<void> {
    const closed = once(this.server, 'close')
    this.server.close()
    this.server.closeAllConnections()
    this.drop()
    await closed
  }
  /** Cuts everybody off. */
  drop(): void {
    for (const client of this.clients) client.destroy()
  }

  private admit({ headers }: IncomingMessage, socket: Duplex): void {
    const reader = new FrameReader()
    socket.on('error', () => {})
    socket.once('close', () => this.clients.delete(socket))
    socket.on('data', (chunk: Buffer) => {
      for (const { opcode, payload } of reader.frames(chunk)) {
        if (opcode === 9) socket.write(serverFrame(10, payload))
        if (opcode === 8) socket.end(serverFrame(8, payload))
      }
    })
    socket.write(acceptance(String(headers['sec-websocket-key'])))
    this.clients.add(socket)
  }

  private answer({ url }: IncomingMessage, response: ServerResponse): void {
    this.asked++
    const { pathname, searchParams } = new URL(url ?? '/', 'http://venue')
    const json = (status: number, body: unknown) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    if (pathname === '/api/v3/exchangeInfo') {
      json(200, { symbols: this.names.map((symbol) => ({ symbol, status: 'TRADING' })) })
      return
    }
    const symbol = this.names.indexOf(searchParams.get('symbol') ?? '')
    if (pathname !== '/api/v3/historicalTrades') json(404, { code: -1, msg: 'Not found.' })
    else if (symbol < 0) json(400, { code: -1121, msg: 'Invalid symbol.' })
    else json(200, this.history(symbol, searchParams))
  }

  /** Fields and defaults: developers.binance.com, Spot, REST, "Old trade lookup" (2026-11). */
  private history(symbol: number, query: URLSearchParams): readonly unknown[] {
    const limit = Math.min(1000, Number(query.get('limit') ?? 500))
    const asked = query.get('fromId')
    const from = Math.max(this.oldest(symbol), asked === null ? this.next[symbol]! - limit : Number(asked))
    const count = Math.max(0, Math.min(limit, this.next[symbol]! - from))
    return Array.from({ length: count }, (_, n) => {
      const id = from + n
      const { price, size, sold } = textsOf(symbol, id)
      const time = this.times[symbol]![id % this.settings.window]!
      const quoteQty = (Number(price) * Number(size)).toFixed(8)
      return { id, price, qty: size, quoteQty, time, isBuyerMaker: sold, isBestMatch: true }
    })
  }
}
