import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import { askedBy, type Counts, type MeetsFault, type NodeFault, noCounts } from './rpc_faults.ts'

export interface RpcError {
  readonly code: number
  readonly message: string
  readonly data?: unknown
}
export type Reply = { readonly result: unknown } | { readonly error: RpcError }
/** Answers one question; `fault` says whether it is to be answered by a node that is behind, or is wrong. */
export type Answer = (method: string, params: readonly unknown[], fault: NodeFault | undefined) => Promise<Reply>

export interface FaultyRpcServer {
  readonly http: string
  /** What questions meet from now on. */
  meets: MeetsFault
  readonly counts: Counts
  /** While `shut`, new connections are cut at once. */
  doors: 'open' | 'shut'
  /** Cuts all connections. */
  readonly cut: () => void
  readonly close: () => Promise<void>
}
export interface ServerOptions {
  readonly batches: 'answered' | 'refused'
  /** Answers a GET of a path with JSON; undefined is a 404. */
  readonly page?: (path: string) => Promise<unknown>
}
interface Call {
  readonly id: number
  readonly method: string
  readonly params?: readonly unknown[]
}
type Sent = 'nothing' | Reply

const json = { 'content-type': 'application/json' }
const page = '<html><body>Attention Required!</body></html>'

/** JSON-RPC over HTTP on this machine, which fails as it is told: before or after `answer` has done its work. */
export async function serveRpc(answer: Answer, options: ServerOptions): Promise<FaultyRpcServer> {
  const counts = noCounts()
  const sockets = new Set<Duplex>()
  const server = createServer((request, response) => void serve(request, response))
  server.on('connection', (socket) => {
    if (made.doors === 'shut') return void socket.destroy()
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })

  const count = (method: string, fault: NodeFault | undefined): void => {
    if (askedBy(method) !== 'send') {
      counts.reads++
      if (fault !== undefined && fault.type !== 'late' && fault.type !== 'duplicate') counts.faulty_reads++
      if (fault?.type === 'stale') counts.stale_reads++
      if (fault?.type === 'wrong_nonce' && method === 'eth_getTransactionCount') counts.wrong_nonces++
      return
    }
    counts.sends++
    if (fault === undefined || !('when' in fault)) return
    if (fault.when === 'before') counts.dropped_before++
    else counts.dropped_after++
  }
  const forward = async (call: Call, fault: NodeFault | undefined): Promise<Reply> => {
    const { method, params = [] } = call
    const once = () => {
      if (askedBy(method) === 'send') counts.forwarded++
      return answer(method, params, fault)
    }
    if (fault?.type !== 'duplicate') return once()
    if (askedBy(method) === 'send') counts.duplicates++
    const [first, second] = [await once(), await once()]
    return fault.answer === 'first' ? first : second
  }
  /** Ends the exchange as the fault says. */
  const fail = (fault: NodeFault & { readonly when: unknown }, response: ServerResponse): Sent => {
    if (fault.type === 'error') return { error: { code: fault.code, message: fault.message } }
    if (fault.type === 'dies') response.socket?.destroy()
    if (fault.type === 'html') response.writeHead(200, { 'content-type': 'text/html' }).end(page)
    if (fault.type === 'status') response.writeHead(fault.status, { 'content-type': 'text/html' }).end(page)
    return 'nothing'
  }
  const one = async (call: Call, response: ServerResponse): Promise<Sent> => {
    const fault = made.meets(call.method, call.params ?? [])
    count(call.method, fault)
    if (fault?.type === 'says') return { result: fault.result }
    if (fault?.type === 'late') await setTimeout(fault.ms)
    const ends = fault !== undefined && 'when' in fault ? fault : undefined
    if (ends?.when === 'before') return fail(ends, response)
    const reply = await forward(call, fault)
    return ends === undefined ? reply : fail(ends, response)
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('error', () => {})
    if (request.method === 'GET') {
      const found = await options.page?.(request.url ?? '/')
      return void response.writeHead(found === undefined ? 404 : 200, json).end(JSON.stringify(found ?? {}))
    }
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const asked = JSON.parse(Buffer.concat(chunks).toString()) as Call | readonly Call[]
    if (!('method' in asked) && options.batches === 'refused') {
      const error = { code: -32600, message: 'batch requests are not supported' }
      return void response.writeHead(400, json).end(JSON.stringify({ jsonrpc: '2.0', id: null, error }))
    }
    const replies: object[] = []
    for (const call of 'method' in asked ? [asked] : asked) {
      const reply = await one(call, response)
      if (reply === 'nothing') return
      replies.push({ jsonrpc: '2.0', id: call.id, ...reply })
    }
    response.writeHead(200, json).end(JSON.stringify('method' in asked ? replies[0] : replies))
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  const made: FaultyRpcServer = {
    http: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    meets: () => undefined,
    counts,
    doors: 'open',
    cut,
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      cut()
      await closed
    },
  }
  return made
}
