import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import { WebSocket, WebSocketServer } from 'ws'

/** What a question meets instead of its answer. Over a WebSocket a status is a closed connection. */
export type RpcFault =
  /** No answer, ever. */
  | { readonly type: 'hang' }
  | { readonly type: 'late'; readonly ms: number }
  | { readonly type: 'status'; readonly status: number; readonly retryAfter?: number }
  /** A page of a proxy in the way, with the status of success. */
  | { readonly type: 'html' }
  | { readonly type: 'drop' }
  /** Another result, or an error, in place of the node's. */
  | { readonly type: 'result'; readonly result: unknown }
  | { readonly type: 'error'; readonly code: number; readonly message: string }
export type Meets = (method: string, params: readonly unknown[]) => RpcFault | undefined

export interface RpcUpstream {
  /** A node behind the proxy, or a script that answers in its place. */
  readonly http?: string
  readonly ws?: string
  readonly answer?: (method: string, params: readonly unknown[]) => unknown
}
export interface RpcProxy {
  readonly http: string
  readonly ws: string
  /** How often each method was asked, faults included. */
  readonly asked: ReadonlyMap<string, number>
  /** What questions meet from now on. */
  meets: Meets
  /** Whether pushes (`eth_subscription`) get through, are dropped, or are changed. */
  pushes: (push: unknown) => unknown
  /** Whether new WebSockets are accepted. */
  doors: 'open' | 'shut'
  /** Sends every client something of its own. */
  readonly say: (what: string) => void
  /** Cuts all connections. */
  readonly cut: () => void
  readonly clients: () => number
  readonly close: () => Promise<void>
}
interface Call {
  readonly id: number
  readonly method: string
  readonly params: readonly unknown[]
}

/** A proxy on this machine in front of a node, over HTTP and WebSocket, that fails as it is told. */
export async function startRpcProxy(upstream: RpcUpstream): Promise<RpcProxy> {
  const asked = new Map<string, number>()
  const sockets = new Set<Duplex>()
  const clients = new Set<WebSocket>()
  const behind = new Set<WebSocket>()
  const server = createServer((request, response) => void serve(request, response))
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })

  const meet = (call: Call): RpcFault | undefined => {
    asked.set(call.method, (asked.get(call.method) ?? 0) + 1)
    return proxy.meets(call.method, call.params)
  }
  const answerOf = async (call: Call, fault: RpcFault | undefined): Promise<string> => {
    const { id, method, params } = call
    if (fault?.type === 'late') await setTimeout(fault.ms)
    if (fault?.type === 'result') return JSON.stringify({ jsonrpc: '2.0', id, result: fault.result })
    if (fault?.type === 'error')
      return JSON.stringify({ jsonrpc: '2.0', id, error: { code: fault.code, message: fault.message } })
    if (upstream.answer !== undefined)
      return JSON.stringify({ jsonrpc: '2.0', id, result: upstream.answer(method, params) })
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(upstream.http ?? '', { method: 'POST', headers, body: JSON.stringify(call) })
    return response.text()
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const call = JSON.parse(Buffer.concat(chunks).toString()) as Call
    const fault = meet(call)
    if (fault?.type === 'hang') return
    if (fault?.type === 'drop') return void request.socket.destroy()
    if (fault?.type === 'html') return void response.writeHead(200).end('<html><body>Attention Required!</body></html>')
    if (fault?.type === 'status') {
      const wait = fault.retryAfter === undefined ? {} : { 'retry-after': String(fault.retryAfter) }
      return void response.writeHead(fault.status, wait).end('<html>Too Many Requests</html>')
    }
    const text = await answerOf(call, fault)
    response.writeHead(200, { 'content-type': 'application/json' }).end(text)
  }

  const webSockets = new WebSocketServer({ noServer: true })
  server.on('upgrade', (request, socket, head) => {
    if (proxy.doors === 'shut') return void socket.destroy()
    webSockets.handleUpgrade(request, socket, head, (client) => void join(client))
  })
  function join(client: WebSocket): void {
    clients.add(client)
    client.on('error', () => {})
    const node = upstream.ws === undefined ? undefined : new WebSocket(upstream.ws)
    if (node !== undefined) behind.add(node)
    const opened = node === undefined ? Promise.resolve() : once(node, 'open').catch(() => {})
    client.once('close', () => {
      clients.delete(client)
      node?.terminate()
    })
    node?.on('error', () => {})
    node?.once('close', () => {
      behind.delete(node)
      client.terminate()
    })
    node?.on('message', (data) => {
      const message = JSON.parse(String(data)) as { method?: string }
      const passed = message.method === 'eth_subscription' ? proxy.pushes(message) : message
      if (passed !== undefined) client.send(typeof passed === 'string' ? passed : JSON.stringify(passed))
    })
    client.on('message', (data) => void take(client, node, opened, JSON.parse(String(data)) as Call))
  }
  async function take(
    client: WebSocket,
    node: WebSocket | undefined,
    opened: Promise<unknown>,
    call: Call,
  ): Promise<void> {
    const fault = meet(call)
    if (fault?.type === 'hang') return
    if (fault?.type === 'drop' || fault?.type === 'status') return client.terminate()
    if (fault?.type === 'html') return client.send('<html><body>Attention Required!</body></html>')
    await opened
    if (fault !== undefined || node === undefined) client.send(await answerOf(call, fault))
    else node.send(JSON.stringify(call))
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  const proxy: RpcProxy = {
    http: `http://${address}`,
    ws: `ws://${address}`,
    asked,
    meets: () => undefined,
    pushes: (push) => push,
    doors: 'open',
    say: (what) => {
      for (const client of clients) client.send(what)
    },
    cut,
    clients: () => clients.size,
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      cut()
      for (const node of behind) node.terminate()
      await closed
    },
  }
  return proxy
}
