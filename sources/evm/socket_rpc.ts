import type { Subscription } from 'rxjs'
import { isFields, RpcFailure, request, resultOf, type SourceContext } from '../../runtime/define.ts'
import { isTidegateError } from '../../schemas/errors.ts'
import { connect, type SocketEvent, type SocketLimits } from '../feed/socket.ts'

type Word =
  | { readonly type: 'answer'; readonly id: number; readonly answer: unknown }
  | { readonly type: 'push'; readonly what: unknown }
  | { readonly type: 'invalid'; readonly reason: string }

function read(bytes: Buffer, binary: boolean): Word {
  if (binary) return { type: 'invalid', reason: 'binary' }
  let frame: unknown
  try {
    frame = JSON.parse(bytes.toString())
  } catch {
    return { type: 'invalid', reason: 'not_json' }
  }
  if (!isFields(frame)) return { type: 'invalid', reason: 'malformed' }
  const { id, method, params } = frame
  if (typeof id === 'number') return { type: 'answer', id, answer: frame }
  if (method !== 'eth_subscription' || !isFields(params)) return { type: 'invalid', reason: 'malformed' }
  return { type: 'push', what: params['result'] }
}
/** Only heads prove that a chain moves: answers come from a node that has lost its peers too. */
const isHead = (word: Word): boolean => word.type === 'push' && isFields(word.what) && 'parentHash' in word.what

export interface SocketRpcSettings {
  readonly name: string
  readonly url: string
  readonly limits: SocketLimits
  readonly timeout: number
  readonly opened: () => void
  readonly pushed: (what: unknown, bytes: Buffer) => void
  readonly lost: (detail: string) => void
  readonly retrying: (attempt: number) => void
  readonly invalid: (reason: string, bytes: Buffer) => void
}
interface Waiting {
  readonly resolve: (result: unknown) => void
  readonly reject: (failure: RpcFailure) => void
  readonly cancel: () => void
}

/** JSON-RPC over one WebSocket that mends itself; what was asked on a connection fails with it. */
export class SocketRpc {
  private readonly settings: SocketRpcSettings
  private readonly context: SourceContext
  private readonly waiting = new Map<number, Waiting>()
  private subscription: Subscription | undefined
  private send: ((text: string) => void) | undefined
  private asked = 0
  private refusals = 0
  private stopWait = () => {}

  constructor(settings: SocketRpcSettings, context: SourceContext) {
    this.settings = settings
    this.context = context
  }

  get open(): boolean {
    return this.send !== undefined
  }

  start(): void {
    const { name, url, limits } = this.settings
    const unread = { type: 'invalid', reason: 'reader_failed' } as const
    this.subscription = connect<Word>({ name, url, limits, read, unread, isData: isHead }, this.context).subscribe({
      next: (event) => this.take(event),
      error: (error) => this.again(error),
    })
  }

  /** @throws RpcFailure */
  ask(method: string, params: readonly unknown[]): Promise<unknown> {
    const { send } = this
    if (send === undefined) return Promise.reject(new RpcFailure('unreachable', 'not connected'))
    const id = ++this.asked
    return new Promise((resolve, reject) => {
      const late = () => {
        this.waiting.delete(id)
        reject(new RpcFailure('timeout', 'no answer in time'))
      }
      this.waiting.set(id, { resolve, reject, cancel: this.context.clock.after(this.settings.timeout, late) })
      send(request(id, method, params))
    })
  }

  close(): void {
    this.stopWait()
    this.subscription?.unsubscribe()
    this.drop('closed')
  }

  private take(event: SocketEvent<Word>): void {
    switch (event.type) {
      case 'opened':
        this.send = event.send
        this.refusals = 0
        this.settings.opened()
        break
      case 'message':
        this.hear(event.message, event.bytes)
        break
      case 'lost':
        this.drop(event.loss)
        if (event.loss === 'oversized') this.settings.invalid('oversized', Buffer.alloc(0))
        this.settings.lost(`${event.loss} (${event.detail})`)
        break
      case 'retrying':
        this.settings.retrying(event.attempt)
        break
      case 'alive':
        break
    }
  }

  private hear(word: Word, bytes: Buffer): void {
    if (word.type === 'invalid') this.settings.invalid(word.reason, bytes)
    else if (word.type === 'push') this.settings.pushed(word.what, bytes)
    else {
      const waiting = this.waiting.get(word.id)
      // An answer that comes after its time is no rubbish: it was given up.
      if (waiting === undefined) return
      this.waiting.delete(word.id)
      waiting.cancel()
      try {
        waiting.resolve(resultOf(word.answer, bytes))
      } catch (failure) {
        waiting.reject(failure as RpcFailure)
      }
    }
  }

  private drop(why: string): void {
    this.send = undefined
    const waiting = [...this.waiting.values()]
    this.waiting.clear()
    for (const { reject, cancel } of waiting) {
      cancel()
      reject(new RpcFailure('unreachable', why))
    }
  }

  /** What `connect` takes for a failure to start is, with other endpoints beside this one, a reason to try later. */
  private again(error: unknown): void {
    this.drop('refused')
    const { loss, attempts } = isTidegateError(error) ? (error.info as { loss?: string; attempts?: number }) : {}
    this.settings.lost(`${loss ?? 'failed'}${attempts === undefined ? '' : ` (${attempts} attempts)`}`)
    const { backoff, backoffCap } = this.settings.limits
    const bound = Math.min(backoffCap, backoff * 2 ** ++this.refusals)
    this.settings.retrying(this.refusals)
    this.stopWait = this.context.clock.after(Math.round(this.context.random() * bound), () => this.start())
  }
}
