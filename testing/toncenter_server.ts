import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'

export interface TonTransaction {
  readonly account: string
  readonly lt: string
  readonly [field: string]: unknown
}
export interface TonAnswer {
  readonly status?: number
  /** Sent as JSON; text as it is. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}
interface Client {
  readonly send: (text: string) => void
  readonly comment: () => void
  finality: 'pending' | 'confirmed' | 'finalized'
}
const order = ['pending', 'confirmed', 'finalized'] as const

/**
 * TON Center as its documentation has it (ton-org/docs, api/streaming and api/v3, 2026-11), on this machine: a stream
 * without history over WebSocket and server-sent events, and the transactions of accounts over REST. Other paths of REST
 * are answered by `other`.
 */
export class ToncenterServer {
  readonly asked: string[] = []
  readonly received: string[] = []
  readonly headers: (string | undefined)[] = []
  /** What the next questions over REST meet. */
  readonly faults: TonAnswer[] = []
  other: (url: URL) => TonAnswer | undefined = () => undefined
  /** What the next attempts to open a stream meet. */
  readonly refusals: number[] = []
  /** What the next subscriptions are answered with, in place of being accepted. */
  readonly errors: string[] = []
  /** Says nothing, and drops what there was to say. */
  state: 'speaking' | 'mute' = 'speaking'
  opened = 0
  private readonly ledger: TonTransaction[] = []
  private readonly clients = new Set<Client>()
  private readonly sockets = new Set<Duplex>()
  private readonly server = createServer((request, response) => this.answer(request, response))
  private readonly webSockets = new WebSocketServer({ noServer: true })

  async start(): Promise<this> {
    this.server.on('connection', (socket) => {
      this.sockets.add(socket)
      socket.once('close', () => this.sockets.delete(socket))
    })
    this.server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      const refusal = this.refusals.shift()
      if (refusal !== undefined) {
        socket.end(`HTTP/1.1 ${refusal} Refused\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
        return
      }
      this.headers.push(request.headers['x-api-key'] as string | undefined)
      this.webSockets.handleUpgrade(request, socket, head, (client) => this.welcome(client))
    })
    this.server.listen(0, '127.0.0.1')
    await once(this.server, 'listening')
    return this
  }
  get host(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`
  }
  get endpoints(): Readonly<Record<string, string>> {
    return { ton_swaps: `ws://${this.host}/api/streaming/v2/ws`, 'ton_swaps.rest': `http://${this.host}` }
  }
  get subscribers(): number {
    return this.clients.size
  }
  async close(): Promise<void> {
    const closed = once(this.server, 'close')
    this.server.close()
    this.cut()
    await closed
  }

  /** All connections break. */
  cut(): void {
    this.clients.clear()
    for (const socket of this.sockets) socket.destroy()
  }
  /** In the masterchain: indexed, and told. */
  finalize(trace: string, transactions: readonly TonTransaction[]): void {
    this.ledger.push(...transactions)
    this.tell('finalized', trace, transactions)
  }
  tell(finality: (typeof order)[number], trace: string, transactions: readonly TonTransaction[]): void {
    // transactions of one trace come newest first
    const message = {
      type: 'transactions',
      finality,
      trace_external_hash_norm: trace,
      transactions: transactions.toReversed(),
    }
    for (const client of this.clients)
      if (order.indexOf(client.finality) <= order.indexOf(finality)) this.say(client, message)
  }
  invalidate(trace: string): void {
    for (const client of this.clients)
      if (client.finality !== 'finalized')
        this.say(client, { type: 'trace_invalidated', trace_external_hash_norm: trace })
  }
  sayAll(text: string): void {
    for (const client of this.clients) client.send(text)
  }
  keepAlive(): void {
    for (const client of this.clients) client.comment()
  }

  private say(client: Client, message: unknown): void {
    if (this.state === 'speaking') client.send(JSON.stringify(message))
  }
  private welcome(socket: WebSocket): void {
    this.opened++
    const client: Client = { send: (text) => socket.send(text), comment: () => {}, finality: 'finalized' }
    socket.on('error', () => {})
    socket.once('close', () => this.clients.delete(client))
    socket.on('message', (data) => {
      const text = String(data)
      this.received.push(text)
      const { operation, id, min_finality } = JSON.parse(text)
      if (operation === 'ping') this.say(client, { id, status: 'pong' })
      if (operation !== 'subscribe') return
      const error = this.errors.shift()
      if (error !== undefined) {
        this.say(client, { id, error })
        return
      }
      client.finality = min_finality
      this.clients.add(client)
      this.say(client, { id, status: 'subscribed' })
    })
  }
  private answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1')
    if (request.method === 'POST' && url.pathname.endsWith('/sse')) {
      this.stream(request, response)
      return
    }
    this.asked.push(request.url ?? '/')
    this.headers.push(request.headers['x-api-key'] as string | undefined)
    const found =
      url.pathname === '/api/v3/transactions' ? { body: this.transactions(url.searchParams) } : this.other(url)
    const { status = 200, body = '', headers = {} } = this.faults.shift() ?? found ?? { status: 404 }
    response
      .writeHead(status, { connection: 'close', ...headers })
      .end(typeof body === 'string' ? body : JSON.stringify(body))
  }
  private transactions(query: URLSearchParams): unknown {
    const from = Number(query.get('start_lt') ?? 0)
    const asked = query.get('account')?.toLowerCase()
    const all = this.ledger.filter(({ account, lt }) => account.toLowerCase() === asked && Number(lt) >= from)
    all.sort((a, b) => Number(a.lt) - Number(b.lt))
    if (query.get('sort') !== 'asc') all.reverse()
    return { transactions: all.slice(0, Number(query.get('limit') ?? 10)), address_book: {} }
  }
  private stream(request: IncomingMessage, response: ServerResponse): void {
    const refusal = this.refusals.shift()
    if (refusal !== undefined) {
      response.writeHead(refusal, { connection: 'close', 'retry-after': '0' }).end('<html>slow down</html>')
      return
    }
    let text = ''
    request.on('data', (data) => {
      text += String(data)
    })
    request.on('end', () => {
      this.opened++
      this.received.push(text)
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      const send = (one: string) => response.write(`data: ${one}\n\n`)
      const comment = () => response.write(': keepalive\n\n')
      const client: Client = { send, comment, finality: JSON.parse(text).min_finality }
      this.clients.add(client)
      response.once('close', () => this.clients.delete(client))
      this.say(client, { status: 'subscribed' })
    })
  }
}
