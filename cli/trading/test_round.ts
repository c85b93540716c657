import type { Subscription } from 'rxjs'
import { wallClock } from '../../runtime/clock.ts'
import type { Committed } from '../../runtime/define.ts'
import type { ApprovedOrder, OrderStep, OrderUpdate } from '../../schemas/orders.ts'
import type { Executor } from '../../sinks/evm/executor.ts'
import { openExecutor, readJournal } from '../../sinks/evm/open_executor.ts'
import { Book } from '../../sinks/execution/book.ts'
import { gasPaid, type Order } from '../../sinks/execution/order.ts'
import { endpointsOf } from '../endpoints.ts'
import type { Args, Context } from '../verb.ts'
import { type EvmSink, secretsOf } from './journals.ts'

/** What became of one side of a test: whole units of the tokens, and of the coin for gas, rights included. */
export interface TestLeg {
  readonly id: string
  readonly side: 'buy' | 'sell'
  /** What ended the order; `open` where nobody waited for its end. */
  readonly state: string
  readonly code: string
  readonly reason: string
  readonly paid: bigint
  readonly got: bigint
  readonly gas: bigint
  readonly block: number
  readonly transaction: string
}
const PIPELINE = 'test-trade'

/** An executor that trades for nobody's pipeline, with the journal, the rules and the key of a sink. */
export class TestTrader {
  private readonly executor: Executor
  private readonly sink: EvmSink
  private readonly context: Context
  private readonly ends = new Map<number, (state: string) => void>()
  private readonly failed: Promise<never>
  private readonly subscription: Subscription

  private constructor(executor: Executor, sink: EvmSink, context: Context) {
    this.executor = executor
    this.sink = sink
    this.context = context
    let reject = (_: unknown) => {}
    this.failed = new Promise((_, no) => {
      reject = no
    })
    this.failed.catch(() => {})
    this.subscription = executor.answers.subscribe({
      next: (answers) => {
        for (const { port, value } of answers) this.hear(port, value)
      },
      error: (error: unknown) => reject(error),
    })
  }

  /** @throws what opening an executor throws */
  static async open(sink: EvmSink, args: Args, context: Context): Promise<TestTrader> {
    const executor = await openExecutor(sink.params, {
      ...{ pipeline: PIPELINE, node: sink.node, run: `${PIPELINE} ${wallClock.now()}` },
      ...{ clock: wallClock, random: Math.random, held: () => 0 },
      ...{ endpoint: endpointsOf(args), secret: secretsOf(context) },
      notice: (text) => context.io.say(`${sink.node}: ${text}`),
    })
    return new TestTrader(executor, sink, context)
  }

  /** Sends an order and waits for its end, or until `stop` aborts: what is under way then stays in the journal. */
  async trade(key: string, value: ApprovedOrder, stop: AbortSignal): Promise<TestLeg> {
    const at = Math.floor(wallClock.now())
    const id = `${PIPELINE}/${this.sink.node}/${key}/${at}/0`
    const row: Committed = {
      id,
      edge: PIPELINE,
      kind: 'approved_order',
      key,
      at,
      ordinal: 0,
      value,
      commit: 0,
      order: 0,
    }
    const ended = new Promise<string>((resolve) => {
      this.ends.set(at, resolve)
      stop.addEventListener('abort', () => resolve('open'), { once: true })
      if (stop.aborted) resolve('open')
    })
    await this.executor.take([row])
    const state = await Promise.race([ended, this.failed])
    return this.legOf(id, value.side, state)
  }

  async close(): Promise<void> {
    this.subscription.unsubscribe()
    await this.executor.close()
  }

  private hear(port: string, value: unknown): void {
    if (port === 'step') {
      const { order_at, step, attempt, nonce, block, transaction, code, detail } = value as OrderStep
      const facts = [
        ...(attempt > 0 ? [`attempt ${attempt}, nonce ${nonce}`] : []),
        ...(block > 0 ? [`block ${block}`] : []),
        ...[transaction, code, detail].filter((text) => text !== ''),
      ]
      this.context.io.say(`  ${step}${facts.length > 0 ? `: ${facts.join(', ')}` : ''}`)
      if (step === 'conflict' || step === 'lost') this.ends.get(order_at)?.(step)
    } else if (port === 'order') {
      const { order_at, state } = value as OrderUpdate
      if (state !== 'accepted') this.ends.get(order_at)?.(state)
    }
  }

  /** The journal knows to the unit what moved. */
  private async legOf(id: string, side: TestLeg['side'], state: string): Promise<TestLeg> {
    const book = new Book()
    for (const entry of (await readJournal(secretsOf(this.context), this.sink.of)) ?? []) book.add(entry)
    const order = book.get(id) as Order
    const helpers = [...book.all()].filter(({ intent }) => intent.parent === id)
    const { last, inclusion, attempts } = order
    return {
      ...{ id, side, state },
      code: 'code' in last && typeof last.code === 'string' ? last.code : '',
      reason: 'reason' in last ? last.reason : '',
      paid: BigInt(inclusion?.paid ?? 0),
      got: BigInt(inclusion?.got ?? 0),
      gas: [order, ...helpers].reduce((sum, of) => sum + gasPaid(of), 0n),
      block: inclusion?.block ?? 0,
      transaction: attempts[(inclusion?.attempt ?? 0) - 1]?.hash ?? '',
    }
  }
}
