import { z } from 'zod'
import type { Bar, Quote, Trade } from '../../schemas/market.ts'
import { duration } from '../../schemas/units.ts'
import type { ImportedRow } from './format.ts'

/** How a bar becomes four messages, in the order open, high, low, close. */
export const Expansion = z
  .strictObject({
    into: z.enum(['quotes', 'trades']).describe('quotes with bid = ask, or trades of a quarter of the volume each'),
    every: duration()
      .refine((every) => every >= 4, 'expected at least 4 µs')
      .describe('length of a bar'),
    offsets: z
      .tuple([duration(), duration(), duration(), duration()])
      .optional()
      .describe('how long before its end the open, high, low and close of a bar stand'),
    size: z.number().nonnegative().default(1).describe('size on both sides of the quotes: a bar knows none'),
  })
  .superRefine(({ every, offsets }, context) => {
    const [open, ...later] = offsets ?? []
    let before = open ?? 0
    if (before > every) context.addIssue({ code: 'custom', path: ['offsets', 0], message: 'expected at most `every`' })
    later.forEach((offset, i) => {
      if (offset > before)
        context.addIssue({ code: 'custom', path: ['offsets', i + 1], message: 'expected open >= high >= low >= close' })
      before = offset
    })
  })
export type Expansion = z.output<typeof Expansion>

/**
 * The messages one bar stands for. Without offsets the open stands at the start of the bar, high and low at one and
 * two thirds, the close 1 µs before the end, so that windows [open, close) build the same bars again: prices and
 * volume exactly, since the sum of four quarters rounds to the whole. A bar without volume gives no trades, because no
 * trade has size 0; it does give quotes.
 */
export function expand(bar: ImportedRow & { readonly value: Bar }, expansion: Expansion): readonly ImportedRow[] {
  const { into, every, offsets, size } = expansion
  const { at, key, value } = bar
  const [open, high, low, close] = offsets ?? [every, every - Math.floor(every / 3), Math.floor(every / 3), 1]
  const quarter = value.volume / 4
  if (into === 'trades' && !(quarter > 0)) return []
  const message = (price: number): Quote | Trade =>
    into === 'quotes'
      ? { bid: price, ask: price, bid_size: size, ask_size: size }
      : { price, size: quarter, side: 0, id: 0 }
  return [
    { at: at - open, key, value: message(value.open) },
    { at: at - high, key, value: message(value.high) },
    { at: at - low, key, value: message(value.low) },
    { at: at - close, key, value: message(value.close) },
  ]
}
