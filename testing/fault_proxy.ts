import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { type Clock, wallClock } from '../runtime/clock.ts'
import type { Answer, Fault } from './faults.ts'
import { FaultyLink } from './faulty_link.ts'

export interface FaultProxySettings {
  /** The venue: `ws://127.0.0.1:port` or `http://127.0.0.1:port`. */
  readonly target: string
  /** Speaks TLS to the feed, never to the venue. */
  readonly tls?: { readonly key: string; readonly cert: string }
  readonly clock?: Clock
}
export interface FaultProxy {
  /** Addresses for a feed: of the WebSocket, and of REST. */
  readonly url: string
  readonly rest: string
  /** Puts a fault upon every open connection, or the one of that place; how often it struck so far is counted. */
  readonly strike: (fault: Fault, place?: number) => void
  readonly struck: () => Readonly<Record<string, number>>
  /** Open connections. */
  readonly links: () => number
  readonly close: () => Promise<void>
}

/** Stands between a feed and a venue on this machine and does to bytes, messages and answers what a bad network does. */
export async function startFaultProxy({ target, tls, clock = wallClock }: FaultProxySettings): Promise<FaultProxy> {
  const { hostname, port } = new URL(target)
  const links = new Set<FaultyLink>()
  const sockets = new Set<Duplex>()
  const below = new WeakMap<Duplex, Socket>()
  const counts: Record<string, number> = {}
  const count = (name: string) => {
    counts[name] = (counts[name] ?? 0) + 1
  }
  const refusals: Answer[] = []
  const excuses: Answer[] = []
  const keep = (socket: Duplex) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    socket.on('error', () => {})
  }

  const http = createServer((question, response) => {
    const answer = excuses.shift()
    if (answer === undefined) forward(question, response, { hostname, port })
    else {
      count('rest')
      excuse(response, answer)
    }
  })
  http.on('upgrade', (question: IncomingMessage, client: Duplex, head: Buffer) => {
    const answer = refusals.shift()
    if (answer !== undefined) {
      count('refuse')
      refuse(client, answer)
      return
    }
    const venue = connect({ host: hostname, port: Number(port), noDelay: true })
    keep(venue)
    venue.once('error', () => client.destroy())
    client.once('close', () => venue.destroy())
    venue.write(headOf(question))
    if (head.length > 0) venue.write(head)
    const answered = (bytes: Buffer) => {
      const end = bytes.indexOf('\r\n\r\n') + 4
      if (end < 4) {
        venue.once('data', (more: Buffer) => answered(Buffer.concat([bytes, more])))
        return
      }
      venue.pause()
      client.write(bytes.subarray(0, end))
      if (!/^HTTP\/1\.1 101 /.test(bytes.toString('latin1', 0, 16))) {
        client.end(bytes.subarray(end))
        return
      }
      const link = new FaultyLink(client, below.get(client) ?? client, venue, clock)
      links.add(link)
      client.once('close', () => links.delete(link))
      if (bytes.length > end) venue.unshift(bytes.subarray(end))
      venue.resume()
    }
    venue.once('data', answered)
  })

  const server = createTcpServer({ noDelay: true }, (socket) => {
    keep(socket)
    if (tls === undefined) {
      http.emit('connection', socket)
      return
    }
    const secure = new TLSSocket(socket, { isServer: true, ...tls })
    keep(secure)
    below.set(secure, socket)
    secure.once('secure', () => http.emit('connection', secure))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const secure = tls === undefined ? '' : 's'

  return {
    url: `ws${secure}://${host}`,
    rest: `http${secure}://${host}`,
    strike(fault, place) {
      if (fault.type === 'refuse') refusals.push(...Array<Answer>(fault.times).fill(fault.answer))
      else if (fault.type === 'rest') excuses.push(...Array<Answer>(fault.times).fill(fault.answer))
      else
        for (const link of place === undefined ? links : [...links].slice(place, place + 1))
          if (link.suffer(fault)) count(fault.type)
    },
    struck: () => ({ ...counts }),
    links: () => [...links].filter(({ open }) => open).length,
    close: async () => {
      for (const link of links) link.close()
      for (const socket of sockets) socket.destroy()
      const closed = once(server, 'close')
      server.close()
      http.close()
      await closed
    },
  }
}

/** The question as it was asked, for the venue. */
function headOf({ method, url, httpVersion, rawHeaders }: IncomingMessage): string {
  const lines = [`${method} ${url} HTTP/${httpVersion}`]
  for (let n = 0; n < rawHeaders.length; n += 2) lines.push(`${rawHeaders[n]}: ${rawHeaders[n + 1]}`)
  return `${lines.join('\r\n')}\r\n\r\n`
}

const page =
  '<!DOCTYPE html><html><head><title>Attention Required!</title></head><body>Checking your browser</body></html>'

function refuse(client: Duplex, answer: Answer): void {
  if (answer === 'silence') return
  if (answer === 'half') client.end('HTTP/1.1 101 Switching Prot')
  else if (answer === 'html') {
    const head = `HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\nContent-Length: ${page.length}`
    client.end(`${head}\r\n\r\n${page}`)
  } else {
    const wait = answer.retryAfter === undefined ? '' : `Retry-After: ${answer.retryAfter}\r\n`
    client.end(`HTTP/1.1 ${answer.status} Refused\r\n${wait}Connection: close\r\nContent-Length: 0\r\n\r\n`)
  }
}

function excuse(response: ServerResponse, answer: Answer): void {
  if (answer === 'silence') return
  if (answer === 'html') response.writeHead(200, { 'content-type': 'text/html' }).end(page)
  else if (answer === 'half') {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': 1000 })
    response.write('[{"id":1,"pri', () => response.socket?.destroy())
  } else {
    if (answer.retryAfter !== undefined) response.setHeader('retry-after', answer.retryAfter)
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end('{"code":-1003,"msg":"no"}')
  }
}

function forward(question: IncomingMessage, response: ServerResponse, to: { hostname: string; port: string }): void {
  const { method, url, headers } = question
  const asked = request({ ...to, method, path: url, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.pipe(response)
  })
  asked.once('error', () => response.destroy())
  question.pipe(asked)
}
