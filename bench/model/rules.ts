import { rules as trading } from '../fused/rules.ts'

/** Spans of the indicators and what the decision wants: every variant reads them from here. */
export const rules = {
  ...trading,
  /** Parts of the close that features are counted in. */
  parts: 300,
  macd: { fast: 12, slow: 26, signal: 9 },
  quick: { fast: 5, slow: 13, signal: 4 },
  wide: { span: 20, deviations: 2 },
  narrow: { span: 10, deviations: 2 },
  minute: { span: 2, deviations: 2, macd: { fast: 1, slow: 2, signal: 2 } },
  /** By how much a side must be likelier than both others. */
  margin: 0.05,
} as const

/** The side that wins: 1 up, -1 down, 0 none. */
export function sideOf(down: number, flat: number, up: number): -1 | 0 | 1 {
  if (up - Math.max(down, flat) >= rules.margin) return 1
  if (down - Math.max(flat, up) >= rules.margin) return -1
  return 0
}
