import { z } from 'zod'

/** Where something trades, `venue:SYMBOL` as the feed spells it. */
export const place = z.string().regex(/^[^:\s]+:\S+$/, 'expected venue:SYMBOL, such as binance:BTCUSDT')

/** The places of each instrument: venues spell one thing in many ways. */
export const instruments = z
  .record(z.string().min(1), z.array(place).min(1))
  .refine((all) => Object.keys(all).length > 0, 'expected at least one instrument')
  .refine(
    (all) => new Set(Object.values(all).flat()).size === Object.values(all).flat().length,
    'expected each place once',
  )
  .describe("places by instrument: { 'BTC/USDT': [binance:BTCUSDT, okx:BTC-USDT] }; others are passed over")

export interface Place {
  /** Number of its instrument, and of itself among all places. */
  readonly instrument: number
  readonly number: number
}
export interface Places {
  readonly names: readonly string[]
  /** Keys by number. */
  readonly keys: readonly string[]
  readonly of: Readonly<Record<string, Place>>
}

/** Instruments and places numbered: a state holds numbers only. */
export function placesOf(all: Readonly<Record<string, readonly string[]>>): Places {
  const names = Object.keys(all)
  const keys = names.flatMap((name) => all[name] ?? [])
  const of: Record<string, Place> = {}
  for (const [instrument, name] of names.entries())
    for (const key of all[name] ?? []) of[key] = { instrument, number: keys.indexOf(key) }
  return { names, keys, of }
}
