import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { SigningKey } from 'ethers'

// A signer as a KMS is one: a process of its own that keeps the key, takes a digest, and answers DER, with a random nonce
// each time and the `s` that came of it, high or low.

const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
const inverse = (value: bigint): bigint => {
  let [a, b, x, y] = [value % order, order, 1n, 0n]
  while (a > 1n) [a, b, x, y] = [b % a, a, y - (b / a) * x, x]
  return ((x % order) + order) % order
}
/** ECDSA with a nonce of chance. */
export function signAtRandom(private_key: string, digest: string): { readonly r: bigint; readonly s: bigint } {
  const nonce = `0x${randomBytes(32).toString('hex')}`
  const r = BigInt(`0x${new SigningKey(nonce).publicKey.slice(4, 68)}`) % order
  return { r, s: (inverse(BigInt(nonce)) * (BigInt(digest) + r * BigInt(private_key))) % order }
}

const integer = (value: bigint): string => {
  const plain = value.toString(16)
  const even = plain.padStart(plain.length + (plain.length % 2), '0')
  const signed = Number.parseInt(even.slice(0, 2), 16) >= 0x80 ? `00${even}` : even
  return `02${(signed.length / 2).toString(16).padStart(2, '0')}${signed}`
}
/** Hexadecimal, without 0x. */
export const toDer = ({ r, s }: { readonly r: bigint; readonly s: bigint }): string => {
  const both = integer(r) + integer(s)
  return `30${(both.length / 2).toString(16).padStart(2, '0')}${both}`
}
const toRow = ({ r, s }: { readonly r: bigint; readonly s: bigint }): string =>
  `${r.toString(16).padStart(64, '0')}${s.toString(16).padStart(64, '0')}1b`

export interface KmsSigner {
  /** `/der`, `/row` (65 bytes), `/other` (of another key), `/refuse`, `/hang`, `/page`. */
  readonly url: string
  readonly close: () => Promise<void>
}
/** Starts the process; the key goes over its standard input. */
export async function startKmsSigner(private_key: string): Promise<KmsSigner> {
  const file = fileURLToPath(import.meta.url)
  const child = spawn(process.execPath, ['--import', 'tsx', file], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  child.stdin.end(`${private_key}\n`)
  const [port] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  return {
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      child.kill('SIGTERM')
      await ended
    },
  }
}

async function serve(): Promise<void> {
  const [private_key] = (await once(createInterface({ input: process.stdin }), 'line')) as [string]
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { digest } = JSON.parse(Buffer.concat(chunks).toString()) as { digest: string }
      if (request.url === '/hang') return
      if (request.url === '/refuse') return void response.writeHead(403).end('{}')
      if (request.url === '/page') return void response.end('<html></html>')
      const key = request.url === '/other' ? `0x${'7'.repeat(64)}` : private_key
      const signed = signAtRandom(key, digest)
      response.end(JSON.stringify({ signature: `0x${request.url === '/row' ? toRow(signed) : toDer(signed)}` }))
    })
  })
  server.listen(0, '127.0.0.1', () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`))
}
if (process.argv[1] === fileURLToPath(import.meta.url)) await serve()
