import type { Clock } from '../../runtime/define.ts'

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
  /** Questions under way at once. */
  readonly parallel?: number
}

/** Asks a REST interface for JSON, a few questions at a time, within the rate it allows. */
export class Rest {
  private readonly settings: Required<RestSettings>
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
    const url = new URL(this.settings.base.replace(/\/$/, '') + path)
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, String(value))
    return this.ask(url, { method: 'GET' })
  }
  /** @throws RestFailure */
  post(path: string, body: unknown): Promise<unknown> {
    const url = new URL(this.settings.base.replace(/\/$/, '') + path)
    const init = { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }
    return this.ask(url, init)
  }

  private ask(url: URL, init: RequestInit): Promise<unknown> {
    const { turns } = this.queue
    const turn = this.queue.asked++ % this.settings.parallel
    const answer = (turns[turn] ?? Promise.resolve()).then(() => this.insist(url, init))
    turns[turn] = answer.catch(() => {})
    return answer
  }

  private async insist(url: URL, init: RequestInit): Promise<unknown> {
    const { attempts, backoff, random, clock, pace } = this.settings
    const { signal, queue } = this
    if (signal?.aborted) throw new RestFailure('unreachable', `${url.host}: no longer asked`)
    for (let attempt = 1; ; attempt++) {
      const now = clock.now()
      const due = Math.max(now, queue.free)
      queue.free = due + pace
      await this.wait(due - now, signal)
      try {
        return await this.once(url, init, signal)
      } catch (error) {
        if (!(error instanceof Retry)) throw error
        if (attempt >= attempts || signal?.aborted) throw error.failure
        await this.wait(Math.max(error.after, random() * backoff * 2 ** attempt), signal)
      }
    }
  }

  private async once(url: URL, init: RequestInit, signal: AbortSignal | undefined): Promise<unknown> {
    const { timeout, headers, maxBytes, clock } = this.settings
    const stop = new AbortController()
    const abort = () => stop.abort()
    signal?.addEventListener('abort', abort, { once: true })
    const cancel = clock.after(timeout, abort)
    try {
      const response = await fetch(url, {
        ...init,
        headers: { accept: 'application/json', ...headers, ...(init.headers as Record<string, string>) },
        signal: stop.signal,
        redirect: 'error',
      })
      const text = await bodyOf(response, maxBytes)
      if (response.status === 429 || response.status === 418 || response.status >= 500) {
        const after = Math.min(60e6, (Number(response.headers.get('retry-after')) || 0) * 1e6)
        const answered = `${url.host} answered HTTP ${response.status}`
        throw new Retry(new RestFailure('refused', answered, response.status, after), after)
      }
      if (!response.ok)
        throw new RestFailure(
          'refused',
          `${url.host} answered HTTP ${response.status}: ${text.slice(0, 200)}`,
          response.status,
        )
      try {
        return JSON.parse(text)
      } catch {
        // A page of a proxy in the way of an answer: worth another try.
        throw new Retry(new RestFailure('not_json', `${url.host} answered with something that is no JSON`), 0)
      }
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

  private wait(micros: number, signal: AbortSignal | undefined): Promise<void> {
    if (micros <= 0 || signal?.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const done = () => {
        cancel()
        signal?.removeEventListener('abort', done)
        resolve()
      }
      const cancel = this.settings.clock.after(micros, done)
      signal?.addEventListener('abort', done, { once: true })
    })
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

async function bodyOf(response: Response, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += (chunk as Uint8Array).length
    if (bytes > maxBytes) throw new RestFailure('oversized', `an answer of more than ${maxBytes} bytes`)
    chunks.push(chunk as Uint8Array)
  }
  return Buffer.concat(chunks).toString('utf8')
}

const causeOf = (error: unknown): string => {
  const { cause, message } = error as Error & { cause?: { code?: string; message?: string } }
  return cause?.code ?? cause?.message ?? message
}
