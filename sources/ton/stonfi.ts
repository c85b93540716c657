import type { PoolState, Swap } from '../../schemas/chain.ts'
import { textOf } from '../feed/invalid.ts'
import { Unreadable } from '../feed/poll.ts'
import { rawAddress } from './address.ts'
import { type Scale, swapOf, whole } from './pool_params.ts'
import { isFields } from './transaction.ts'

/** The REST interface of STON.fi (api.ston.fi/swagger-ui; @ston-fi/api 0.32, 2026-11). No key; its rate is not documented. */
export const stonfi = 'https://api.ston.fi'
export const poolPath = (address: string) => `/v1/pools/${address}`
export const latestBlockPath = '/export/dexscreener/v1/latest-block'
export const eventsPath = '/export/dexscreener/v1/events'

export type CurveState = Omit<PoolState, 'age'>
/** What cannot be told of a pool: its curve is not one of those whose price is known. */
export const OTHER_CURVE = 'other_curve'

const units = (value: unknown): bigint | undefined =>
  typeof value === 'string' && /^\d+$/.test(value) ? BigInt(value) : undefined

/** Constant product over reserves in the smallest units. */
export function productState(reserve0: bigint, reserve1: bigint, fee: number, scale: Scale): CurveState | undefined {
  if (reserve0 <= 0n || reserve1 <= 0n || !(fee >= 0 && fee < 1)) return undefined
  const price = whole(reserve1, scale.decimals1) / whole(reserve0, scale.decimals0)
  return {
    ...{ model: 'constant_product', reserve0: String(reserve0), reserve1: String(reserve1), sqrt_price_x96: '0' },
    ...{ liquidity: '0', tick: 0, fee, price },
    ...{
      decimals0: scale.decimals0,
      decimals1: scale.decimals1,
      block: 0,
      block_time: 0,
      block_hash: '',
      removed: false,
    },
  }
}

/**
 * `GET /v1/pools/{address}`. Fees are in basis points. Pools of v2 with an amplification, a rate or a weight follow
 * other curves.
 * @throws Unreadable
 */
export function stonfiState(answer: unknown, scale: Scale): CurveState | typeof OTHER_CURVE {
  const pool = isFields(answer) ? answer['pool'] : undefined
  if (!isFields(pool)) throw new Unreadable('pool_fields', answer)
  const { reserve0, reserve1, lp_fee, protocol_fee, amp, w0, rate } = pool
  if (amp !== undefined || w0 !== undefined || rate !== undefined) return OTHER_CURVE
  const [amount0, amount1, lp, protocol] = [reserve0, reserve1, lp_fee, protocol_fee].map(units)
  if (amount0 === undefined || amount1 === undefined || lp === undefined || protocol === undefined)
    throw new Unreadable('pool_fields', answer)
  const state = productState(amount0, amount1, Number(lp + protocol) / 10_000, scale)
  if (state === undefined) throw new Unreadable('pool_values', answer)
  return state
}

export interface StonfiBlock {
  readonly number: number
  /** µs. */
  readonly at: number
}
const blockOf = (value: unknown): StonfiBlock | undefined => {
  if (!isFields(value)) return undefined
  const { blockNumber, blockTimestamp } = value
  return Number.isSafeInteger(blockNumber) && Number.isSafeInteger(blockTimestamp)
    ? { number: blockNumber as number, at: (blockTimestamp as number) * 1e6 }
    : undefined
}
/** @throws Unreadable */
export function latestBlock(answer: unknown): StonfiBlock {
  const block = isFields(answer) ? blockOf(answer['block']) : undefined
  if (block === undefined) throw new Unreadable('block_fields', answer)
  return block
}

export interface PoolSwap {
  readonly pool: string
  readonly at: number
  readonly swap: Swap
}
/** Decimal text of whole tokens in the smallest unit; undefined where it has more digits than the token. */
export function unitsOf(text: string, decimals: number): bigint | undefined {
  const found = /^(\d+)(?:\.(\d*))?$/.exec(text)
  if (found === null) return undefined
  const fraction = (found[2] ?? '').replace(/0+$/, '')
  if (fraction.length > decimals) return undefined
  return BigInt(`${found[1]}${fraction.padEnd(decimals, '0')}`)
}

/**
 * `GET /export/dexscreener/v1/events`: swaps of the pools that are known; amounts are decimal texts of whole tokens.
 * @throws Unreadable
 */
export function swapEvents(answer: unknown, scales: ReadonlyMap<string, Scale>): readonly (PoolSwap | string)[] {
  const events = isFields(answer) ? answer['events'] : undefined
  if (!Array.isArray(events)) throw new Unreadable('events_fields', answer)
  return events.flatMap((event: unknown): readonly (PoolSwap | string)[] => {
    if (!isFields(event) || event['eventType'] !== 'swap') return []
    const { pairId, txnId, eventIndex, maker } = event
    const pool = typeof pairId === 'string' ? rawAddress(pairId) : undefined
    const scale = pool === undefined ? undefined : scales.get(pool)
    if (pool === undefined || scale === undefined) return []
    const block = blockOf(event['block'])
    const amount0 = flow(event['amount0In'], event['amount0Out'], scale.decimals0)
    const amount1 = flow(event['amount1In'], event['amount1Out'], scale.decimals1)
    if (block === undefined || amount0 === undefined || amount1 === undefined || typeof txnId !== 'string')
      return [textOf(event)]
    const trader = (typeof maker === 'string' && rawAddress(maker)) || ''
    const index = Number.isSafeInteger(eventIndex) && (eventIndex as number) >= 0 ? (eventIndex as number) : 0
    const rest = { block: block.number, block_time: block.at, index, block_hash: '', transaction: txnId }
    const swap = swapOf({ amount0, amount1, trader }, scale, rest)
    return [swap === undefined ? textOf(event) : { pool, at: block.at, swap }]
  })
}
function flow(paid: unknown, got: unknown, decimals: number): bigint | undefined {
  const units = (amount: unknown): bigint | undefined => {
    if (amount === undefined || amount === null) return 0n
    return typeof amount === 'string' || typeof amount === 'number' ? unitsOf(String(amount), decimals) : undefined
  }
  const [into, out] = [units(paid), units(got)]
  return into === undefined || out === undefined ? undefined : into - out
}
