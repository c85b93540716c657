import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { wallClock } from '../clock.ts'
import { HttpRpc } from './http_rpc.ts'

let asked: { readonly body: string; readonly headers: IncomingMessage['headers'] }[] = []
let answer: (response: ServerResponse, id: number) => void
const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const body = Buffer.concat(chunks).toString()
    asked.push({ body, headers: request.headers })
    answer(response, (JSON.parse(body || '{"id":0}') as { id: number }).id)
  })
})
let host = ''
const opened: HttpRpc[] = []
beforeAll(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => {
  for (const rpc of opened) rpc.close()
  server.closeAllConnections()
  server.close()
})
beforeEach(() => {
  asked = []
})
function rpc(user = ''): HttpRpc {
  const made = new HttpRpc({ url: `http://${user}${host}/key`, clock: wallClock, timeout: 300e3, maxBytes: 1000 })
  opened.push(made)
  return made
}
const result = (id: number) => JSON.stringify({ jsonrpc: '2.0', id, result: 'ok' })

test.each([302, 307, 400, 404, 408, 421, 429, 500, 502, 503, 504])('status %i is met once', async (status) => {
  answer = (response) => response.writeHead(status, { location: `http://${host}/other` }).end('no')
  await expect(rpc().ask('m', [])).rejects.toMatchObject({
    reason: status === 429 ? 'limited' : 'unavailable',
    code: status,
  })
  expect(asked).toHaveLength(1)
})

test('an answer that is packed is unpacked', async () => {
  answer = (response, id) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(result(id)))
  expect(await rpc().ask('m', [])).toBe('ok')
  expect(asked[0]?.headers['accept-encoding']).toBe('gzip')
})

test.each([
  ['long', (response: ServerResponse) => response.end('x'.repeat(1001)), 'oversized'],
  ['long once unpacked', (r: ServerResponse) => packed(r).end(gzipSync('x'.repeat(1e6))), 'oversized'],
  ['packed, but cut', (r: ServerResponse) => packed(r).end(gzipSync('{"a":1}').subarray(0, 12)), 'unreachable'],
  [
    'cut',
    (r: ServerResponse) => r.writeHead(200, { 'content-length': 9 }).write('{', () => r.destroy()),
    'unreachable',
  ],
  ['late', () => {}, 'timeout'],
])('an answer that is %s is none', async (_what, how, reason) => {
  answer = how
  await expect(rpc().ask('m', [])).rejects.toMatchObject({ reason })
  expect(asked).toHaveLength(1)
})
const packed = (response: ServerResponse) => response.writeHead(200, { 'content-encoding': 'gzip' })

test('a user in the address is sent as such, and no failure shows the address', async () => {
  answer = (response, id) => response.end(result(id))
  await rpc('user:secret@').ask('m', [])
  expect(asked[0]?.headers.authorization).toBe(`Basic ${btoa('user:secret')}`)
  const gone = new HttpRpc({ url: 'http://u:secret@127.0.0.1:1/secret', clock: wallClock, timeout: 1e6, maxBytes: 10 })
  const failure = await gone.ask('m', []).catch((error: unknown) => error)
  expect(failure).toMatchObject({ reason: 'unreachable', message: 'ECONNREFUSED' })
  expect(JSON.stringify([failure, String(failure), (failure as Error).stack])).not.toContain('secret')
})
