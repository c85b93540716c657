import { wallClock } from '../../runtime/clock.ts'
import type { Clock, Committed, ExecutorAnswer } from '../../runtime/define.ts'
import type { Fill, OrderStep, OrderUpdate } from '../../schemas/orders.ts'
import type { Executor } from '../../sinks/evm/executor.ts'
import { journalDirectory, openExecutor, type Seams } from '../../sinks/evm/open_executor.ts'
import { evmSwapParams } from '../../sinks/evm/params.ts'
import { Book } from '../../sinks/execution/book.ts'
import type { Entry } from '../../sinks/execution/entry.ts'
import { readFileJournal } from '../../sinks/execution/file_journal.ts'
import { nonceOf } from '../../sinks/execution/order.ts'
import { type Ground, orderOf } from './ground.ts'

/** What an executor is driven on. */
export type DriveGround = Pick<Ground, 'anvil' | 'proxy' | 'account' | 'environment' | 'params' | 'key'>

/** µs between looks at the chain, by which the clock knows the pause of the executor from other waiting. */
const PAUSE = 30_007

/** Time of the wall and its timers, but for the pauses between looks: those end when a test says so. */
class SteppedClock implements Clock {
  /** µs ahead of the wall. */
  ahead = 0
  private pending: (() => void) | undefined
  private waiting: (() => void)[] = []

  now(): number {
    return wallClock.now() + this.ahead
  }
  after(micros: number, call: () => void): () => void {
    if (micros !== PAUSE) return wallClock.after(micros, call)
    this.pending = call
    this.release()
    return () => {
      if (this.pending === call) this.pending = undefined
    }
  }
  /** Resolves once somebody pauses. */
  resting(): Promise<void> {
    return this.pending === undefined ? new Promise((resolve) => this.waiting.push(resolve)) : Promise.resolve()
  }
  step(): void {
    this.ahead += PAUSE
    const call = this.pending
    this.pending = undefined
    call?.()
  }
  /** Nobody will pause any more. */
  release(): void {
    for (const go of this.waiting.splice(0)) go()
  }
}

export interface Until {
  /** Blocks made after each look. */
  readonly blocks?: number
  /** Looks after which it counts as never. */
  readonly looks?: number
  /** µs that the clock is set on before each look, beside the pause. */
  readonly pass?: number
}
export interface DriveParams {
  readonly params?: Readonly<Record<string, unknown>>
  readonly environment?: Readonly<Record<string, string>>
  readonly node?: string
}

/** An executor on a ground, moved on look by look, and all it told over its restarts, as a log would hold it. */
export class DrivenExecutor {
  readonly clock = new SteppedClock()
  readonly answers: ExecutorAnswer[] = []
  readonly notices: string[] = []
  /** Why it could not go on. */
  failure: unknown
  private readonly ground: DriveGround
  private readonly given: DriveParams
  private executor: Executor | undefined

  constructor(ground: DriveGround, given: DriveParams = {}) {
    this.ground = ground
    this.given = given
  }

  get environment(): Readonly<Record<string, string>> {
    return { ...this.ground.environment, ...this.given.environment }
  }
  /** Opens it: the first time, or as after a restart. */
  async open(seams: Seams = {}): Promise<this> {
    const params = evmSwapParams.parse({ ...this.ground.params(this.given.params), poll_every: PAUSE })
    const node = this.given.node ?? 'execute'
    this.failure = undefined
    this.executor = await openExecutor(
      params,
      {
        ...{ pipeline: 'matrix', node, run: 'matrix', clock: this.clock, random: Math.random },
        held: (port) => this.answers.filter((answer) => answer.port === port).length,
        endpoint: () => undefined,
        secret: (name) => this.environment[name],
        notice: (text) => this.notices.push(text),
      },
      seams,
    )
    this.executor.answers.subscribe({
      next: (answers) => this.answers.push(...answers),
      error: (failure: unknown) => {
        this.failure = failure
        this.clock.release()
      },
    })
    return this
  }
  async close(): Promise<void> {
    const { executor } = this
    this.executor = undefined
    await executor?.close()
  }
  async restart(seams: Seams = {}): Promise<void> {
    await this.close()
    await this.open(seams)
  }

  take(...orders: readonly Committed[]): Promise<void> {
    return this.executor?.take(orders) ?? Promise.reject(new Error('it is closed'))
  }
  /** Gives it the n-th order, a sale where `more` says nothing else. */
  async order(n: number, more: Readonly<Record<string, unknown>> = {}): Promise<Committed> {
    const order = { ...orderOf(this.ground, n, more), at: this.clock.now() }
    await this.take(order)
    return order
  }
  /** One look at the chain, and all that follows from it. */
  async look(): Promise<void> {
    if (this.failure === undefined) await this.clock.resting()
    if (this.failure !== undefined) return
    this.clock.step()
    await this.clock.resting()
  }
  /** Looks, and makes blocks, until something is so. @throws Error where it never is, or the executor failed */
  async until(what: () => unknown, { blocks = 1, looks = 60, pass = 0 }: Until = {}): Promise<void> {
    for (let n = 0; n < looks; n++) {
      this.clock.ahead += pass
      await this.look()
      if (this.failure !== undefined) throw this.failure as Error
      if (await what()) return
      if (blocks > 0) await this.ground.proxy.mine(blocks)
    }
    throw new Error(`not after ${looks} looks; told: ${this.said()}; notices: ${this.notices.slice(-8).join(' | ')}`)
  }
  /** Until an order was told to have come to a step. */
  stepped(order: Committed, step: OrderStep['step'], how?: Until): Promise<void> {
    return this.until(() => this.steps(order).includes(step), how)
  }
  /** Until no order is open. */
  ended(how?: Until): Promise<void> {
    return this.until(() => this.book().open().length === 0, how)
  }

  private of<T extends { readonly order_at: number }>(port: string, order: Committed): readonly T[] {
    const values = this.answers.filter((answer) => answer.port === port).map(({ value }) => value as T)
    return values.filter(({ order_at }) => order_at === order.at)
  }
  /** What was told of an order, without its helping transactions. */
  told(order: Committed): readonly OrderStep[] {
    const own = new Set((this.book().get(order.id)?.attempts ?? []).map(({ hash }) => hash))
    const helps = new Set(
      [...this.book().all()]
        .filter(({ intent }) => intent.parent === order.id)
        .flatMap((o) => [nonceOf(o), ...o.attempts.map(({ hash }) => hash)]),
    )
    return this.of<OrderStep>('step', order).filter(
      ({ transaction, detail }) => own.has(transaction) || (!helps.has(transaction) && detail !== 'allowance'),
    )
  }
  steps(order: Committed): readonly OrderStep['step'][] {
    return this.told(order).map(({ step }) => step)
  }
  last(order: Committed): OrderStep | undefined {
    return this.told(order).at(-1)
  }
  fills(order: Committed): readonly Fill[] {
    return this.of<Fill>('fill', order)
  }
  updates(order: Committed): readonly OrderUpdate['state'][] {
    return this.of<OrderUpdate>('order', order).map(({ state }) => state)
  }
  /** The journal as it is on disk. */
  entries(): readonly Entry[] {
    const of = { chain: `eip155:${this.ground.anvil.chain_id}`, signer: this.ground.account }
    return readFileJournal(journalDirectory((name) => this.environment[name], of))?.entries ?? []
  }
  book(): Book {
    const book = new Book()
    for (const entry of this.entries()) book.add(entry)
    return book
  }
  said(): string {
    const steps = this.answers.filter(({ port }) => port === 'step').map(({ value }) => value as OrderStep)
    return steps
      .slice(-30)
      .map(({ step, code }) => (code === '' ? step : `${step}(${code})`))
      .join(' ')
  }
}
