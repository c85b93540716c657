import { z } from 'zod'
import { kind } from './kind.ts'

// Amounts are whole units of a token, as its contract counts them; `price` and `size` are in whole tokens, by the
// decimals that were declared or read. An instrument is `VENUE:POOL`, such as `uniswap_v3:0x88e6…`.
//
// Chains count in up to 256 bits. Such numbers are decimal text: `fixed` columns end at 127 bits, and what is a bigint
// is written as money, in 1e-8, wherever people read it. `BigInt(text)` gives the number.

const integer = (what: string) => z.string().describe(what)
const amount = (what: string) => integer(`${what}, in the token's smallest unit, decimal`)
const block_time = z
  .int()
  .nonnegative()
  .describe('time of the block, µs: event time, unless a reorganisation came late')

const swap = z.object({
  amount0: amount('token 0 into the pool; negative out of it'),
  amount1: amount('token 1 into the pool; negative out of it'),
  price: z
    .number()
    .nonnegative()
    .describe('token 1 for one token 0, as traded, fee included; 0 where nothing was given for nothing, or for itself'),
  size: z.number().nonnegative().describe('token 0 traded'),
  side: z.union([z.literal(-1), z.literal(1)]).describe('1: the trader bought token 0, -1: sold it'),
  block: z.int().nonnegative().describe('number of the block; TON: the masterchain block, 0 where it is not told'),
  block_time,
  index: z.int().nonnegative().describe('place of the log in its block; TON: of the trade in its trace'),
  block_hash: z.string().describe('hash of the block, or the trace'),
  transaction: z.string().describe('hash of the transaction'),
  trader: z.string().describe('who traded, as far as the log says'),
  removed: z
    .boolean()
    .describe('takes back the swap with the same block hash and index: its block is not in the chain'),
})
export interface Swap extends Readonly<z.output<typeof swap>> {}
export const Swap = kind('swap', swap, { summary: 'One swap in a pool of a decentralised exchange.' })

const poolState = z.object({
  model: z
    .enum(['constant_product', 'concentrated', 'stable'])
    .describe('which curve the numbers belong to; they are exact inputs for its integer arithmetic'),
  reserve0: amount('constant product and stable: what the pool holds of token 0; otherwise 0'),
  reserve1: amount('constant product and stable: what the pool holds of token 1; otherwise 0'),
  sqrt_price_x96: integer('concentrated: the square root of the raw price times 2^96, decimal; otherwise 0'),
  liquidity: integer('concentrated: liquidity in range, decimal; otherwise 0'),
  tick: z.int().describe('concentrated: the current tick; otherwise 0'),
  fee: z.number().nonnegative().describe('share of the input that is fee: 0.003'),
  price: z
    .number()
    .nonnegative()
    .describe('token 1 for one token 0 at the margin, fee not included; 0 while the pool is empty'),
  decimals0: z.int().nonnegative().describe('decimals of token 0'),
  decimals1: z.int().nonnegative().describe('decimals of token 1'),
  block: z.int().nonnegative().describe('number of the block it is of; TON: the masterchain block, 0 where not told'),
  block_time,
  block_hash: z.string().describe('hash of that block, empty where it is not told'),
  age: z.number().nonnegative().describe('µs between that block and the moment this was told: how old the state is'),
  removed: z.boolean().describe('true: the state told before is taken back by a reorganisation, and this one holds'),
})
export interface PoolState extends Readonly<z.output<typeof poolState>> {}
export const PoolState = kind('pool_state', poolState, { summary: 'What a pool would quote from: its exact state.' })

const block = z.object({
  number: z.int().nonnegative().describe('height'),
  hash: z.string().describe('its hash'),
  parent: z.string().describe('hash of the block before'),
  block_time,
  base_fee: integer('base fee per gas in wei, decimal, 0 before there was one; TON: nanotons of one gas'),
  gas_used: z.number().nonnegative().describe('gas its transactions took'),
  gas_limit: z.number().nonnegative().describe('gas they could have taken'),
  transactions: z.number().nonnegative().describe('how many transactions it holds, 0 where it is not told'),
  removed: z.boolean().describe('takes back the block with the same hash: it is no longer in the chain'),
})
export interface Block extends Readonly<z.output<typeof block>> {}
export const Block = kind('block', block, { summary: 'The head of a chain, or one that was taken back.' })
