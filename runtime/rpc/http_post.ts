import { type Agent, type IncomingMessage, request as overHttp } from 'node:http'
import { request as overHttps } from 'node:https'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'

export interface Posting {
  readonly url: string
  readonly body: string
  readonly agent: Agent
  readonly signal: AbortSignal
  /** Called with every length so far; may throw. */
  readonly sized: (bytes: number) => void
}
export interface Posted {
  readonly status: number
  readonly retryAfter: string | undefined
  readonly said: Buffer
}

/**
 * Posts JSON once. `fetch` does not: at status 421 it posts again by itself (undici of Node 20.20, measured 2026-11), and
 * it takes no address with a user in it.
 */
export async function post({ url, body, agent, signal, sized }: Posting): Promise<Posted> {
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    accept: 'application/json',
    'accept-encoding': 'gzip',
  }
  const start = url.startsWith('https:') ? overHttps : overHttp
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const asked = start(url, { method: 'POST', headers, agent, signal }, resolve)
    asked.on('error', reject)
    asked.end(body)
  })
  let failure: unknown
  const collect = async (chunks: AsyncIterable<Buffer>): Promise<Buffer> => {
    const all: Buffer[] = []
    let bytes = 0
    for await (const chunk of chunks) {
      bytes += chunk.length
      try {
        sized(bytes)
      } catch (error) {
        failure = error
        throw error
      }
      all.push(chunk)
    }
    return Buffer.concat(all)
  }
  const packed = response.headers['content-encoding'] === 'gzip'
  const reading = packed ? pipeline(response, createGunzip(), collect) : pipeline(response, collect)
  const said = await reading.catch((error: unknown) => {
    // A pipeline says that it was cut, not by whom.
    throw failure ?? error
  })
  return { status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'], said }
}
