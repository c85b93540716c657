import type { Swap } from '../../schemas/chain.ts'

/** A row as it was told: what takes it back repeats it. */
export interface Told {
  readonly at: number
  readonly swap: Swap
}
export const sameTrade = (a: Swap, b: Swap): boolean =>
  a.amount0 === b.amount0 && a.amount1 === b.amount1 && a.trader === b.trader
