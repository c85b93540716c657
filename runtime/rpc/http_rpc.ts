import type { Clock } from '../clock.ts'
import { isFields } from '../fields.ts'

/** Why a question to a node got no answer. */
export type RpcReason =
  /** The node answered that it cannot or will not. */
  | 'refused'
  /** It asks for fewer questions. */
  | 'limited'
  /** HTTP status of failure, no connection, no answer in time. */
  | 'unavailable'
  | 'unreachable'
  | 'timeout'
  /** It answered something that is no answer, or one that cannot be true. */
  | 'not_json'
  | 'oversized'
  | 'malformed'
  /** It does not have what was asked for: null. */
  | 'absent'

interface RpcFailureFacts {
  readonly code?: number
  readonly after?: number
  readonly said?: Buffer
  readonly data?: unknown
}
export class RpcFailure extends Error {
  readonly reason: RpcReason
  /** Of a JSON-RPC error or of HTTP. */
  readonly code: number
  /** µs it asks to be left alone. */
  readonly after: number
  /** What it said, where that is rubbish. */
  readonly said: Buffer | undefined
  /** `data` of a JSON-RPC error: what a contract gave back when it reverted. */
  readonly data: unknown
  constructor(reason: RpcReason, message: string, more: RpcFailureFacts = {}) {
    super(message)
    this.reason = reason
    this.code = more.code ?? 0
    this.after = more.after ?? 0
    this.said = more.said
    this.data = more.data
  }
}
export const isRubbish = ({ reason }: RpcFailure): boolean =>
  reason === 'not_json' || reason === 'malformed' || reason === 'oversized'

export const request = (id: number, method: string, params: readonly unknown[]): string =>
  JSON.stringify({ jsonrpc: '2.0', id, method, params })

/** `limit exceeded` of EIP-1474, and what providers say with the status of HTTP. */
const limits = new Set([-32005, 429])

/** The result of a JSON-RPC answer. @throws RpcFailure */
export function resultOf(answer: unknown, said: Buffer): unknown {
  if (!isFields(answer)) throw new RpcFailure('malformed', 'the answer is no JSON-RPC', { said })
  const { error } = answer
  if (isFields(error) && typeof error['code'] === 'number') {
    const message = typeof error['message'] === 'string' ? error['message'].slice(0, 200) : ''
    const { code, data } = error as { code: number; data?: unknown }
    throw new RpcFailure(limits.has(code) ? 'limited' : 'refused', message, { code, data })
  }
  if (!('result' in answer)) throw new RpcFailure('malformed', 'the answer has neither result nor error', { said })
  return answer['result']
}

export interface HttpSettings {
  readonly url: string
  readonly clock: Clock
  /** µs one question may take. */
  readonly timeout: number
  readonly maxBytes: number
}

/** Asks a node over HTTP: one question, one attempt. Who asks decides whether to ask again, and whom. */
export class HttpRpc {
  private readonly settings: HttpSettings
  private readonly open = new Set<AbortController>()
  private asked = 0

  constructor(settings: HttpSettings) {
    this.settings = settings
  }

  /** `within` is how many µs are left for it, where less than usual. @throws RpcFailure */
  async ask(method: string, params: readonly unknown[], within = this.settings.timeout): Promise<unknown> {
    const { url, clock } = this.settings
    const id = ++this.asked
    const stop = new AbortController()
    this.open.add(stop)
    const cancel = clock.after(within, () => stop.abort())
    try {
      const headers = { 'content-type': 'application/json', accept: 'application/json' }
      const body = request(id, method, params)
      const response = await fetch(url, { method: 'POST', body, headers, signal: stop.signal, redirect: 'error' })
      return this.read(response, await this.bodyOf(response), id)
    } catch (error) {
      if (error instanceof RpcFailure) throw error
      if (stop.signal.aborted) throw new RpcFailure('timeout', 'no answer in time')
      throw new RpcFailure('unreachable', causeOf(error))
    } finally {
      cancel()
      this.open.delete(stop)
    }
  }

  close(): void {
    for (const stop of this.open) stop.abort()
  }

  private read(response: Response, said: Buffer, id: number): unknown {
    const { status } = response
    let answer: unknown
    try {
      answer = JSON.parse(said.toString())
    } catch {
      answer = undefined
    }
    // Some nodes put the error of a question beside a status of failure.
    if (response.ok || (isFields(answer) && isFields(answer['error']) && status !== 429 && status < 500)) {
      if (answer === undefined) throw new RpcFailure('not_json', 'the answer is no JSON', { said })
      if (isFields(answer) && answer['id'] !== id && !isFields(answer['error']))
        throw new RpcFailure('malformed', 'the answer is to another question', { said })
      return resultOf(answer, said)
    }
    const after = Math.min(60e6, (Number(response.headers.get('retry-after')) || 0) * 1e6)
    throw new RpcFailure(status === 429 ? 'limited' : 'unavailable', `HTTP ${status}`, { code: status, after })
  }

  private async bodyOf(response: Response): Promise<Buffer> {
    const chunks: Uint8Array[] = []
    let bytes = 0
    for await (const chunk of response.body ?? []) {
      bytes += (chunk as Uint8Array).length
      if (bytes > this.settings.maxBytes)
        throw new RpcFailure('oversized', `an answer of more than ${this.settings.maxBytes} bytes`)
      chunks.push(chunk as Uint8Array)
    }
    return Buffer.concat(chunks)
  }
}

/** Never the message of `fetch` itself: it may hold the address, and so a key. */
const causeOf = (error: unknown): string => (error as { cause?: { code?: string } }).cause?.code ?? 'no connection'
