import { type Clock, pause, type Question, type Reply, type Wire } from '../../runtime/define.ts'
import { isBusy, waitOf } from './busy.ts'

/** Why a question to a REST interface got no answer. */
export class RestFailure extends Error {
  readonly reason: 'refused' | 'unreachable' | 'timeout' | 'not_json' | 'oversized'
  readonly status: number
  /** µs the venue asks us to wait, 0 where it does not say. */
  readonly after: number
  constructor(reason: RestFailure['reason'], message: string, status = 0, after = 0) {
    super(message)
    this.reason = reason
    this.status = status
    this.after = after
  }
}

export interface RestSettings {
  readonly base: string
  readonly clock: Clock
  readonly random: () => number
  readonly headers?: Readonly<Record<string, string>>
  /** µs one attempt may take. */
  readonly timeout?: number
  /** Attempts in all: 429 and 5xx, dropped connections and silence are tried again, other answers are not. */
  readonly attempts?: number
  /** µs of the first wait; each is a random part of twice the one before, and no shorter than `Retry-After` says. */
  readonly backoff?: number
  /** Bytes of an answer at most. */
  readonly maxBytes?: number
  /** µs between two questions at least: the rate the venue allows. */
  readonly pace?: number
  /** Stands between, where questions are recorded or played again. */
  readonly wire?: Wire | undefined
  /** Questions under way at once. */
  readonly parallel?: number
}

/** Asks a REST interface for JSON, a few questions at a time, within the rate it allows. */
export class Rest {
  private readonly settings: Required<Omit<RestSettings, 'wire'>> & Pick<RestSettings, 'wire'>
  /** Whose turn it is, and when the next question may be asked: shared by all who ask this venue through this. */
  private readonly queue: { readonly turns: Promise<unknown>[]; asked: number; free: number }
  private readonly signal: AbortSignal | undefined

  constructor(settings: RestSettings, queue: Rest['queue'] = { turns: [], asked: 0, free: 0 }, signal?: AbortSignal) {
    this.queue = queue
    this.signal = signal
    this.settings = {
      headers: {},
      timeout: 5e6,
      attempts: 4,
      backoff: 0.25e6,
      maxBytes: 32 * 1024 * 1024,
      pace: 0,
      parallel: 8,
      ...settings,
    }
  }

  /** The same, for as long as the signal has not aborted. */
  until(signal: AbortSignal): Rest {
    return new Rest(this.settings, this.queue, signal)
  }

  /** @throws RestFailure */
  get(path: string, query: Readonly<Record<string, string | number>> = {}): Promise<unknown> {
    const words = Object.entries(query).map(([name, value]): [string, string] => [name, String(value)])
    const asked = words.length === 0 ? path : `${path}?${new URLSearchParams(words)}`
    return this.ask({ path: asked })
  }

  private ask(question: Question): Promise<unknown> {
    const { turns } = this.queue
    const turn = this.queue.asked++ % this.settings.parallel
    const answer = (turns[turn] ?? Promise.resolve()).then(() => this.insist(question))
    turns[turn] = answer.catch(() => {})
    return answer
  }

  private async insist(question: Question): Promise<unknown> {
    const { attempts, backoff, random, clock, pace, base } = this.settings
    const url = new URL(base.replace(/\/$/, '') + question.path)
    const { signal, queue } = this
    if (signal?.aborted) throw new RestFailure('unreachable', `${url.host}: no longer asked`)
    for (let attempt = 1; ; attempt++) {
      const now = clock.now()
      const due = Math.max(now, queue.free)
      queue.free = due + pace
      await pause(clock, due - now, signal)
      try {
        return await this.once(url, question, signal)
      } catch (error) {
        if (!(error instanceof Retry)) throw error
        if (attempt >= attempts || signal?.aborted) throw error.failure
        await pause(clock, Math.max(error.after, random() * backoff * 2 ** attempt), signal)
      }
    }
  }

  private async once(url: URL, question: Question, signal: AbortSignal | undefined): Promise<unknown> {
    const { timeout, clock, wire } = this.settings
    const stop = new AbortController()
    const abort = () => stop.abort()
    signal?.addEventListener('abort', abort, { once: true })
    const cancel = clock.after(timeout, abort)
    const live = () => this.exchange(url, stop.signal)
    try {
      return answerOf(url, await (wire?.ask(question, live, stop.signal) ?? live()))
    } catch (error) {
      if (error instanceof Retry || error instanceof RestFailure) throw error
      const late = stop.signal.aborted && signal?.aborted !== true
      const reason = late ? 'timeout' : 'unreachable'
      throw new Retry(new RestFailure(reason, `${url.host}: ${late ? 'no answer in time' : causeOf(error)}`), 0)
    } finally {
      cancel()
      signal?.removeEventListener('abort', abort)
    }
  }

  private async exchange(url: URL, signal: AbortSignal): Promise<Reply> {
    const { headers, maxBytes } = this.settings
    try {
      const response = await fetch(url, {
        ...{ signal, redirect: 'error' },
        headers: { accept: 'application/json', ...headers },
      })
      const text = await bodyOf(response, maxBytes)
      const retry_after = response.headers.get('retry-after') ?? ''
      return text === undefined
        ? { failure: 'oversized', text: `an answer of more than ${maxBytes} bytes` }
        : { status: response.status, retry_after, text }
    } catch (error) {
      // addresses may hold a key
      return { failure: 'unreachable', text: causeOf(error).replaceAll(url.href, url.host) }
    }
  }
}

class Retry extends Error {
  readonly failure: RestFailure
  readonly after: number
  constructor(failure: RestFailure, after: number) {
    super(failure.message)
    this.failure = failure
    this.after = after
  }
}

/** @throws RestFailure; Retry where it is worth another try */
function answerOf(url: URL, reply: Reply): unknown {
  const { text } = reply
  if ('failure' in reply) {
    if (reply.failure === 'oversized') throw new RestFailure('oversized', text)
    throw new Error(text)
  }
  const { status, retry_after } = reply
  if (isBusy(status)) {
    const after = waitOf(retry_after)
    throw new Retry(new RestFailure('refused', `${url.host} answered HTTP ${status}`, status, after), after)
  }
  if (status < 200 || status > 299)
    throw new RestFailure('refused', `${url.host} answered HTTP ${status}: ${text.slice(0, 200)}`, status)
  try {
    return JSON.parse(text)
  } catch {
    // A page of a proxy in the way of an answer: worth another try.
    throw new Retry(new RestFailure('not_json', `${url.host} answered with something that is no JSON`), 0)
  }
}

/** undefined where it is longer than that. */
async function bodyOf(response: Response, maxBytes: number): Promise<string | undefined> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += (chunk as Uint8Array).length
    if (bytes > maxBytes) return undefined
    chunks.push(chunk as Uint8Array)
  }
  return Buffer.concat(chunks).toString('utf8')
}

const causeOf = (error: unknown): string => {
  const { cause, message } = error as Error & { cause?: { code?: string; message?: string } }
  return cause?.code ?? cause?.message ?? message
}
