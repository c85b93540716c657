import { z } from 'zod'
import type { Swap } from '../../schemas/chain.ts'
import { duration } from '../../schemas/units.ts'
import type { PoolTrade } from './actions.ts'
import { rawAddress } from './address.ts'

export const address = z
  .string()
  .transform((text, context) => {
    const raw = rawAddress(text)
    if (raw === undefined)
      context.addIssue(
        `expected an address of TON, raw or user-friendly with its checksum, found ${JSON.stringify(text)}`,
      )
    return raw ?? z.NEVER
  })
  .describe('address, raw or user-friendly')
export const positive = (what: string) => duration().refine((micros) => micros > 0, `expected a positive ${what}`)
export const decimals = (which: string) => z.int().min(0).max(30).describe(`decimals of ${which}`)
/** A definition is read by many: it names where the key stands, never the key. */
export const apiKey = z
  .string()
  .regex(/^TIDEGATE_[A-Z0-9_]+$/, 'expected the name of an environment variable, such as TIDEGATE_TONCENTER_KEY')
  .optional()
  .describe('environment variable that holds the key of TON Center; without one it allows one question a second')
export const rate = (most: number) =>
  z.number().positive().max(1000).default(most).describe('questions a second at most: what the interface allows')

export interface Scale {
  readonly decimals0: number
  readonly decimals1: number
}
export const whole = (amount: bigint, decimals: number): number => Number(amount) / Number(`1e${decimals}`)

/** Amounts as a row; undefined where one is nothing, so that there is no price. */
export function swapOf(
  { amount0, amount1, trader }: PoolTrade,
  { decimals0, decimals1 }: Scale,
  rest: Pick<Swap, 'block' | 'block_time' | 'index' | 'block_hash' | 'transaction'>,
): Swap | undefined {
  if (amount0 === 0n || amount1 === 0n || amount0 > 0n === amount1 > 0n) return undefined
  const size = Math.abs(whole(amount0, decimals0))
  const price = Math.abs(whole(amount1, decimals1)) / size
  if (!(price > 0) || !Number.isFinite(price)) return undefined
  const { block, block_time, index, block_hash, transaction } = rest
  return {
    ...{ amount0: String(amount0), amount1: String(amount1), price, size, side: amount0 < 0n ? 1 : -1 },
    ...{ block, block_time, index, block_hash, transaction, trader, removed: false },
  }
}
