import { setTimeout } from 'node:timers/promises'
import { wallClock } from '../runtime/clock.ts'
import { RpcFailure } from '../runtime/define.ts'
import { Chain } from '../sinks/evm/chain.ts'
import { localSigner } from '../sinks/evm/keys/local_signer.ts'
import { signTransaction } from '../sinks/evm/keys/signer.ts'
import { Nodes } from '../sinks/evm/nodes.ts'
import { openExecutor } from '../sinks/evm/open_executor.ts'
import { evmSwapParams, marketsOf } from '../sinks/evm/params.ts'
import { simulate } from '../sinks/evm/simulate.ts'
import { grantsOf } from '../sinks/evm/venues/allowances.ts'
import type { Call } from '../sinks/evm/venues/venue.ts'
import { type Ground, orderOf, startGround } from '../test/evm/ground.ts'
import { type Bench, machine, median, node, rounded } from './support.ts'

const ORDERS = 100
const LIMIT_MS = 25
/** Between orders: a block, one a second, holds about twenty of them. */
const PAUSE_MS = 40

export interface EvmExecutionBench {
  readonly bench: 'evm_execution'
  readonly machine: ReturnType<typeof machine>
  readonly node: string
  readonly orders: number
  readonly limit_ms: number
  /** From the approved order to the node's answer to its transaction: journal, rights, quote, simulation, signature. */
  readonly approved_to_broadcast: Figures
  /** Quote, simulation, signature and sending, one after the other, with nothing kept. */
  readonly bare: Figures
  /** Median of the rounds: bare / ours. */
  readonly ratio: number
}
interface Figures {
  readonly p50_ms: number
  readonly p99_ms: number
  readonly max_ms: number
}

const quantile = (sorted: readonly number[], of: number): number => sorted[Math.ceil(sorted.length * of) - 1] as number
const figures = (took: readonly number[]): Figures => {
  const sorted = took.toSorted((a, b) => a - b)
  return {
    p50_ms: rounded(quantile(sorted, 0.5)),
    p99_ms: rounded(quantile(sorted, 0.99)),
    max_ms: rounded(quantile(sorted, 1)),
  }
}

/** Executes orders one at a time; gives the ms each took until a node had it. */
async function executing(ground: Ground) {
  const params = evmSwapParams.parse(ground.params({ endpoints: [{ http: ground.anvil.http }], poll_every: '200ms' }))
  const executor = await openExecutor(params, {
    ...{ pipeline: 'bench', node: 'execute', run: 'bench', clock: wallClock, random: Math.random },
    ...{ held: () => 0, endpoint: () => undefined, notice: () => {} },
    secret: (name) => ground.environment[name],
  })
  let sent = (_: number) => {}
  executor.answers.subscribe((answers) => {
    for (const { port, value } of answers)
      if (port === 'step' && (value as { step: string; detail: string }).step === 'sent') sent(performance.now())
  })
  let n = 0
  const one = async (): Promise<number> => {
    const order = orderOf(ground, n++)
    const began = performance.now()
    const at = new Promise<number>((resolve) => {
      sent = resolve
    })
    await executor.take([order])
    return (await at) - began
  }
  return { one, close: () => executor.close() }
}

/** The same calls by hand, for another account. */
async function byHand(ground: Ground) {
  const { anvil, uniswap } = ground
  const signer = localSigner(`0x${'5'.repeat(64)}`)
  await anvil.rpc('anvil_setBalance', signer.address, `0x${(10n ** 20n).toString(16)}`)
  const params = evmSwapParams.parse(ground.params())
  const [market] = marketsOf(params)
  if (market === undefined) throw new Error('the ground has a market')
  const nodes = new Nodes({
    ...{ chain_id: anvil.chain_id, timeout: 2e6, hedge: 'late', max_lag: 2, clock: wallClock, notice: () => {} },
    endpoints: [{ label: 'anvil', ws: undefined, http: anvil.http }],
  })
  const chain = new Chain(nodes, signer.address)
  await uniswap.tokens[0].send('transfer', signer.address, 10n ** 24n)
  await anvil.rpc('evm_mine')
  let nonce = 0
  const send = async (call: Call, gas_limit: bigint) => {
    const fees = { max_fee: 10n ** 11n, max_priority_fee: 10n ** 9n }
    const own = { chain_id: anvil.chain_id, nonce: nonce++, gas_limit, ...fees }
    const { raw } = await signTransaction(signer, { ...call, ...own })
    const [sent] = await nodes.send(raw)
    if (sent?.outcome !== 'accepted') throw new RpcFailure('refused', 'the node refused a transaction')
  }
  const trade = {
    ...{
      pay: market.base,
      get: market.quote,
      exact: 'in' as const,
      amount: 10n ** 16n,
      bound: 0n,
      account: signer.address,
    },
    deadline: 2 ** 40,
  } as const
  const allow = market.venue.allowances({ ...trade, amount: 10n ** 24n })
  const missing = allow.map((allowance) => ({ allowance, has: 0n }))
  for (const call of await grantsOf(missing, signer.address, { grant: 'max', expiration: 2 ** 40 }, chain))
    await send(call, 100_000n)
  await anvil.rpc('evm_mine')
  const one = async (): Promise<number> => {
    const began = performance.now()
    await market.venue.quote(trade, chain)
    const call = market.venue.encode(trade)
    const simulated = await simulate(nodes, signer.address, call)
    await send(call, simulated.status === 'ok' ? simulated.gas * 2n : 0n)
    return performance.now() - began
  }
  return { one, close: () => nodes.close() }
}

export const evmExecution: Bench<EvmExecutionBench> = {
  summary: 'an approved order becomes a transaction: with journal and simulation, beside the bare calls',
  async run(progress, { rounds }) {
    const ground = await startGround()
    await ground.anvil.rpc('evm_setIntervalMining', 1)
    const [ours, bare] = [await executing(ground), await byHand(ground)]
    const took = { ours: [] as number[], bare: [] as number[] }
    const ratios: number[] = []
    // the first gives rights, and warms everything up
    for (let n = 0; n < 20; n++) for (const side of [ours, bare]) await side.one()
    for (let round = 1; round <= rounds; round++) {
      const own: number[] = []
      const other: number[] = []
      for (let n = 0; n < ORDERS; n++) {
        own.push(await ours.one())
        await setTimeout(PAUSE_MS)
        other.push(await bare.one())
        await setTimeout(PAUSE_MS)
      }
      ratios.push(figures(other).p50_ms / figures(own).p50_ms)
      took.ours.push(...own)
      took.bare.push(...other)
      progress(`${round} of ${rounds} rounds`)
    }
    await ours.close()
    bare.close()
    await ground.close()
    return {
      ...{ bench: 'evm_execution', machine: machine(), node, orders: rounds * ORDERS, limit_ms: LIMIT_MS },
      ...{ approved_to_broadcast: figures(took.ours), bare: figures(took.bare) },
      ratio: rounded(median(ratios)),
    }
  },
  table: ({ approved_to_broadcast: ours, bare, ratio, limit_ms }) => [
    ['', 'p50 ms', 'p99 ms', 'max ms'],
    [`approved to broadcast (p99 at most ${limit_ms} ms)`, ours.p50_ms, ours.p99_ms, ours.max_ms],
    ['the bare calls', bare.p50_ms, bare.p99_ms, bare.max_ms],
    ['bare / ours', ratio, '', ''],
  ],
}
