import { Unreadable } from '../feed/poll.ts'
import { rawAddress } from './address.ts'
import { type Scale, swapOf } from './pool_params.ts'
import { type CurveState, OTHER_CURVE, type PoolSwap, productState } from './stonfi.ts'
import { isFields, timeOf } from './transaction.ts'

/** The REST interface v2 of DeDust (docs.dedust.io/reference, 2026-11). No key; its rate is not documented. */
export const dedust = 'https://api.dedust.io'
/** Every pool there is, some MB: there is no documented way to ask for one. */
export const poolsPath = '/v2/pools'
export const tradesPath = (address: string) => `/v2/pools/${address}/trades`

/**
 * The pools that are known among all. `tradeFee` is in percent; stable pools follow a curve that is not documented.
 * @throws Unreadable
 */
export function dedustStates(
  answer: unknown,
  scales: ReadonlyMap<string, Scale>,
): ReadonlyMap<string, CurveState | typeof OTHER_CURVE> {
  if (!Array.isArray(answer)) throw new Unreadable('pools_fields', answer)
  const states = new Map<string, CurveState | typeof OTHER_CURVE>()
  for (const pool of answer as unknown[]) {
    if (!isFields(pool) || typeof pool['address'] !== 'string') throw new Unreadable('pools_fields', pool)
    const address = rawAddress(pool['address'])
    const scale = address === undefined ? undefined : scales.get(address)
    if (address === undefined || scale === undefined) continue
    const { type, tradeFee, reserves } = pool
    if (type !== 'volatile') {
      states.set(address, OTHER_CURVE)
      continue
    }
    const [reserve0, reserve1] = Array.isArray(reserves) ? reserves : []
    const fee = typeof tradeFee === 'string' ? Number(tradeFee) / 100 : Number.NaN
    if (!isUnits(reserve0) || !isUnits(reserve1)) throw new Unreadable('pool_fields', pool)
    const state = productState(BigInt(reserve0), BigInt(reserve1), fee, scale)
    if (state === undefined) throw new Unreadable('pool_values', pool)
    states.set(address, state)
  }
  return states
}
const isUnits = (value: unknown): value is string => typeof value === 'string' && /^\d+$/.test(value)

export interface DedustTrade extends PoolSwap {
  readonly lt: number
}
/**
 * `GET /v2/pools/{address}/trades`, sorted by logical time.
 * @throws Unreadable
 */
export function dedustTrades(
  answer: unknown,
  { address, token0, ...scale }: Scale & { readonly address: string; readonly token0: string },
): readonly DedustTrade[] {
  if (!Array.isArray(answer)) throw new Unreadable('trades_fields', answer)
  const trades = (answer as unknown[]).map((trade): DedustTrade => {
    if (!isFields(trade)) throw new Unreadable('trade_fields', trade)
    const { sender, amountIn, amountOut, createdAt } = trade
    const lt = timeOf(trade['lt'])
    const at = typeof createdAt === 'string' ? Date.parse(createdAt) * 1000 : Number.NaN
    const [paid, got] = [assetOf(trade['assetIn']), assetOf(trade['assetOut'])]
    if (lt === undefined || !Number.isSafeInteger(at) || !isUnits(amountIn) || !isUnits(amountOut))
      throw new Unreadable('trade_fields', trade)
    if (paid === undefined || got === undefined || (paid === token0) === (got === token0))
      throw new Unreadable('trade_assets', trade)
    const [into, out] = [BigInt(amountIn), BigInt(amountOut)]
    const amounts = paid === token0 ? { amount0: into, amount1: -out } : { amount0: -out, amount1: into }
    const trader = (typeof sender === 'string' && rawAddress(sender)) || ''
    const swap = swapOf({ ...amounts, trader }, scale, {
      block: 0,
      block_time: at,
      index: 0,
      block_hash: '',
      transaction: '',
    })
    if (swap === undefined) throw new Unreadable('trade_amounts', trade)
    return { pool: address, at, swap, lt }
  })
  return trades.toSorted((a, b) => a.lt - b.lt)
}
/** `native`, or the raw address of a jetton. */
function assetOf(value: unknown): string | undefined {
  if (!isFields(value)) return undefined
  if (value['type'] === 'native') return 'native'
  return typeof value['address'] === 'string' ? rawAddress(value['address']) : undefined
}
