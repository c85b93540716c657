import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Concentrated, swap } from './concentrated.ts'
import { amountIn, amountOut } from './constant_product.ts'
import { getDy, rateOf, type Stable } from './stable.ts'
import { tickAt } from './tick_price.ts'

// What contracts on Ethereum and Base answered at a block, and swaps as they happened: amounts to the last unit.

const folder = join(process.env['TIDEGATE_DATA'] ?? 'data', 'dex')
const recorded = (...files: string[]) => test.skipIf(!files.every((f) => existsSync(join(folder, f))))

/** JSON whose whole numbers are all bigints: amounts pass 2^53. */
const whole = (text: string): never =>
  JSON.parse(text.replaceAll(/([[:,]\s*)(-?\d+)(?=\s*[,\]}])/g, '$1"#$2"'), (_name, value: unknown) =>
    typeof value === 'string' && value.startsWith('#') ? BigInt(value.slice(1)) : value,
  ) as never
const read = <T>(file: string): T => whole(readFileSync(join(folder, file), 'utf8'))

interface Quotes {
  readonly entries: Readonly<Record<string, { readonly value: bigint }>>
}
/** Questions `pool|function|A->B|amount` and what the contract answered. */
const asked = ({ entries }: Quotes) =>
  Object.entries(entries).map(([question, { value }]) => {
    const [, call = '', pair = '', amount = ''] = question.split('|')
    const [from = '', to = ''] = pair.split('->')
    return { question, call, from, to, amount: BigInt(amount), value }
  })
const differing = (all: readonly { question: string; value: bigint; found: bigint | undefined }[]) =>
  all.filter(({ value, found }) => value !== found)

const v2 = [
  'amm-quotes/pancakeswap_v2_weth_usdbc_block_46875151.json',
  'amm-quotes/test_pancakeswap_v2_router_get_amounts_out.json',
] as const
recorded(...v2)('answers getAmountsOut as the router of PancakeSwap V2 did', () => {
  const pool = read<Record<'reserves_token0' | 'reserves_token1' | 'fee_numer' | 'fee_denom', bigint>>(v2[0])
  const answers = asked(read(v2[1])).map((q) => {
    const [reserveIn, reserveOut] =
      q.from === 'WETH' ? [pool.reserves_token0, pool.reserves_token1] : [pool.reserves_token1, pool.reserves_token0]
    return { ...q, found: amountOut({ reserveIn, reserveOut, fee: pool.fee_numer, scale: pool.fee_denom }, q.amount) }
  })
  expect(answers).toHaveLength(24)
  expect(differing(answers)).toEqual([])
})

const v3 = [
  'amm-quotes/uniswap_v3_wbtc_weth_block_24407242.json',
  'amm-quotes/test_cached_calculations_v3_wbtc_weth.json',
] as const
recorded(...v3)('answers exact inputs and exact outputs across ticks as the quoter of Uniswap V3 did', () => {
  const { scalars, tick_data } = read<{
    scalars: Record<'fee' | 'tick_spacing' | 'sqrt_price_x96' | 'tick' | 'liquidity', bigint>
    tick_data: Record<string, readonly [gross: bigint, net: bigint, block: bigint]>
  }>(v3[0])
  const pool: Concentrated = {
    sqrtPrice: scalars.sqrt_price_x96,
    tick: Number(scalars.tick),
    liquidity: scalars.liquidity,
    feePips: scalars.fee,
    tickSpacing: Number(scalars.tick_spacing),
    ticks: Object.entries(tick_data)
      .map(([index, [, net]]) => ({ index: Number(index), net }))
      .sort((a, b) => a.index - b.index),
  }
  const answers = asked(read(v3[1])).map((q) => {
    const exactIn = q.call === 'quoteExactInputSingle'
    const done = swap(pool, q.from === 'WBTC', exactIn ? q.amount : -q.amount)
    return { ...q, found: exactIn ? done.amountOut : done.amountIn }
  })
  expect(answers).toHaveLength(80)
  expect(differing(answers)).toEqual([])
})

const curve = ['amm-quotes/curve_tripool_block_24407242.json', 'amm-quotes/test_curve_tripool_get_dy.json'] as const
recorded(...curve)('answers get_dy as 3pool of Curve did', () => {
  const recordedPool = read<{
    balances: readonly bigint[]
    a_coefficient: bigint
    fee: bigint
    tokens: readonly { symbol: string; decimals: bigint }[]
  }>(curve[0])
  const pool: Stable = {
    balances: recordedPool.balances,
    rates: recordedPool.tokens.map(({ decimals }) => rateOf(Number(decimals))),
    amplification: recordedPool.a_coefficient,
    amplificationScale: 1n,
    fee: recordedPool.fee,
  }
  const place = (symbol: string) => recordedPool.tokens.findIndex((t) => t.symbol === symbol)
  const answers = asked(read(curve[1])).map((q) => ({
    ...q,
    found: getDy(pool, place(q.from), place(q.to), q.amount),
  }))
  expect(answers).toHaveLength(18)
  expect(differing(answers)).toEqual([])
})

const logs = 'ethereum-logs/block_17173049_decoded.jsonl'
interface Log {
  readonly event: string
  readonly address: string
  readonly log_index: number
  readonly tick?: string | number
  readonly [amount: string]: string | number | undefined
}
const logsOf = (event: string): readonly Log[] =>
  readFileSync(join(folder, logs), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Log)
    .filter((log) => log.event === event)
const field = (log: Log, name: string): bigint => BigInt(log[name] as string | number)

recorded(logs)('allows every Uniswap V2 swap of an Ethereum block, and 25 of the 27 took all they could', () => {
  const syncs = logsOf('UniswapV2Sync')
  const swaps = logsOf('UniswapV2Swap').map((log) => {
    const after = syncs.find((s) => s.address === log.address && s.log_index === log.log_index - 1)
    if (after === undefined) throw new Error(`no reserves before the swap at ${log.log_index}`)
    const from = field(log, 'amount0In') > 0n ? 0 : 1
    const [put, taken] = [field(log, `amount${from}In`), field(log, `amount${1 - from}Out`)]
    const reserveIn = field(after, `reserve${from}`) - put
    const reserveOut = field(after, `reserve${1 - from}`) + taken
    const pool = { reserveIn, reserveOut, fee: 3n, scale: 1000n }
    return { put, taken, given: amountOut(pool, put), needed: amountIn(pool, taken) as bigint }
  })
  expect(swaps).toHaveLength(27)
  expect(swaps.filter(({ taken, given, put, needed }) => taken > given || needed > put)).toEqual([])
  expect(swaps.filter(({ taken, given }) => taken === given)).toHaveLength(25)
})

recorded(logs)('finds the tick of every Uniswap V3 swap of an Ethereum block from its price', () => {
  const swaps = logsOf('UniswapV3Swap')
  expect(swaps).toHaveLength(5)
  expect(swaps.map((log) => tickAt(field(log, 'sqrtPriceX96')))).toEqual(swaps.map((log) => Number(log.tick)))
})
