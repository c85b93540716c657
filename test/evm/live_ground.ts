import { join } from 'node:path'
import { afterAll, beforeAll, vi } from 'vitest'
import { captured, folderWith, removeFolders } from '../../cli/describe/captured.ts'
import { Address } from '../../sinks/evm/hex.ts'
import { type Ground, startGround } from './ground.ts'

type Params = Readonly<Record<string, unknown>>
interface Said {
  readonly code: number
  readonly stderr: string
  readonly stdout: string
  /** The document of the verb; of `run` its report. */
  readonly document: Readonly<Record<string, unknown>>
}
/** A ground, and pipelines on it that trade a few times and then no more. */
export interface LiveGround {
  readonly ground: Ground
  /** Writes a definition and gives its file: `count` orders, `more` are params of the sink. */
  readonly definition: (pipeline: string, count?: number, more?: Params) => string
  /** Runs a verb with --json. */
  readonly said: (...argv: readonly string[]) => Promise<Said>
  /** Makes blocks at a steady pace, from the beginning on. */
  readonly mine: () => void
  /** Makes none until told to. */
  readonly still: () => Promise<void>
  readonly close: () => Promise<void>
}

/** One for the tests of a file, with its environment; `set` is given it. */
export function liveGround(set: (live: LiveGround) => void): void {
  let live: LiveGround | undefined
  beforeAll(async () => {
    live = await startLiveGround()
    for (const [name, value] of Object.entries(live.ground.environment)) vi.stubEnv(name, value)
    set(live)
  }, 60_000)
  afterAll(async () => {
    await live?.close()
    removeFolders()
    vi.unstubAllEnvs()
  })
}

/** Buys and sells in turns, `count` times, one order for each quote; buys are twice as large. */
const config = `
import { z } from '${import.meta.resolve('zod')}'
import { defineOperator } from '${new URL('../../runtime/define.ts', import.meta.url).href}'
import { Quote } from '${new URL('../../schemas/market.ts', import.meta.url).href}'
import { OrderIntent } from '${new URL('../../schemas/orders.ts', import.meta.url).href}'
const seesaw = defineOperator({
  name: 'seesaw', version: 1, summary: 'Buys and sells in turns.', input: { quote: Quote }, output: OrderIntent,
  params: z.strictObject({ count: z.int() }),
  init: () => ({ done: 0 }),
  on: {
    quote(state, { bid, ask }, { params }) {
      if (state.done >= params.count) return undefined
      const side = state.done++ % 2 === 0 ? 'buy' : 'sell'
      return { side, quantity: side === 'buy' ? 0.02 : 0.01, limit: 0, price: side === 'buy' ? ask : bid }
    },
  },
  example: { params: { count: 0 }, input: [], output: [] },
})
export default { operators: [seesaw] }
`

async function startLiveGround(): Promise<LiveGround> {
  const ground = await startGround()
  const [base, quote] = ground.uniswap.tokens.map(({ address }) => Address.parse(address)) as [Address, Address]
  const source = {
    ...{ chain_id: ground.anvil.chain_id, endpoints: [{ ws: ground.anvil.ws }], poll_every: '100ms' },
    pools: [{ protocol: 'uniswap_v2', address: ground.pool }],
  }
  const nodesOf = (count: number, more: Params) => ({
    pools: { source: 'evm_pool_states', params: source },
    price: {
      op: 'pool_quote',
      from: 'pools',
      params: { base: { [ground.key]: base < quote ? 'token0' : 'token1' } },
    },
    seesaw: { op: 'seesaw', from: 'price', params: { count } },
    gate: { op: 'pass_gate', from: 'seesaw' },
    execute: { sink: 'evm_swap', from: 'gate', params: ground.params({ confirmations: 1, ...more }) },
  })
  let stop = ground.proxy.keepMining(60)
  return {
    ground,
    mine: () => {
      stop = ground.proxy.keepMining(60)
    },
    still: () => stop(),
    definition(pipeline, count = 0, more = {}) {
      const definition = JSON.stringify({ pipeline, nodes: nodesOf(count, more) })
      return join(folderWith({ 'tidegate.config.ts': config, 'made.json': definition }), 'made.json')
    },
    async said(...argv) {
      const { code, stderr, stdout, lines, json } = await captured([...argv, '--json'])
      const report = argv[0] === 'run' ? lines<{ report?: Params }>().at(-1) : undefined
      return { code, stderr, stdout, document: report?.report ?? json<Params>() }
    },
    close: async () => {
      await stop()
      await ground.close()
    },
  }
}
