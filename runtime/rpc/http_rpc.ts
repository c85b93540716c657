import { Agent } from 'node:http'
import { Agent as SecureAgent } from 'node:https'
import type { Clock } from '../clock.ts'
import { isFields } from '../fields.ts'
import { type Posted, post } from './http_post.ts'

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
  private readonly agent: Agent
  private readonly open = new Set<AbortController>()
  private asked = 0

  constructor(settings: HttpSettings) {
    this.settings = settings
    // Below the five seconds after which many servers close what is idle: a question there would be lost.
    const idle = { keepAlive: true, timeout: 4000 }
    this.agent = settings.url.startsWith('https:') ? new SecureAgent(idle) : new Agent(idle)
  }

  /** `within` is how many µs are left for it, where less than usual. @throws RpcFailure */
  async ask(method: string, params: readonly unknown[], within = this.settings.timeout): Promise<unknown> {
    const { url, clock, maxBytes } = this.settings
    const id = ++this.asked
    const stop = new AbortController()
    this.open.add(stop)
    const cancel = clock.after(within, () => stop.abort())
    try {
      const body = request(id, method, params)
      const sized = (bytes: number) => {
        if (bytes > maxBytes) throw new RpcFailure('oversized', `an answer of more than ${maxBytes} bytes`)
      }
      return this.read(await post({ url, body, agent: this.agent, signal: stop.signal, sized }), id)
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
    this.agent.destroy()
  }

  private read({ status, retryAfter, said }: Posted, id: number): unknown {
    const ok = status >= 200 && status < 300
    let answer: unknown
    try {
      answer = JSON.parse(said.toString())
    } catch {
      answer = undefined
    }
    // Some nodes put the error of a question beside a status of failure.
    if (ok || (isFields(answer) && isFields(answer['error']) && status !== 429 && status < 500)) {
      if (answer === undefined) throw new RpcFailure('not_json', 'the answer is no JSON', { said })
      if (isFields(answer) && answer['id'] !== id && !isFields(answer['error']))
        throw new RpcFailure('malformed', 'the answer is to another question', { said })
      return resultOf(answer, said)
    }
    const after = Math.min(60e6, (Number(retryAfter) || 0) * 1e6)
    throw new RpcFailure(status === 429 ? 'limited' : 'unavailable', `HTTP ${status}`, { code: status, after })
  }
}

/** Never the message of the error itself: it may hold the address, and so a key. */
const causeOf = (error: unknown): string => (error as { code?: string }).code ?? 'no connection'
