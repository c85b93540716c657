import type { Equity, Position } from '../schemas/account.ts'
import { type Fixed, toNumber, toText } from '../schemas/fixed.ts'
import type { OrderUpdate, RefusedOrder } from '../schemas/orders.ts'

/** What is said of a run. Money is decimal text, exact to 1e-8; null where a run has no such number. */
export interface RunSummary {
  readonly orders: number
  readonly fills: number
  readonly refused: Readonly<Record<string, number>>
  readonly signals: number
  readonly cash: string | null
  readonly equity: string | null
  /** Realised and unrealised profit less fees. */
  readonly pnl: string | null
  readonly fees: string | null
  /** Per year, from equal steps of event time; null under 3 steps or without movement. */
  readonly sharpe: number | null
  /** Greatest fall from a peak, as a share of the peak. */
  readonly max_drawdown: number | null
  readonly positions: Readonly<Record<string, string>>
}

const YEAR = 365 * 86_400e6

/** Folds committed rows into a summary, in constant memory. */
export class Summary {
  private orders = 0
  private fills = 0
  private signals = 0
  private readonly refused: Record<string, number> = {}
  private readonly positions: Record<string, string> = {}
  private last: Equity | undefined
  private peak = Number.NEGATIVE_INFINITY
  private drawdown = 0
  private step: { at: number; equity: number; every: number } | undefined
  private readonly returns = { count: 0, mean: 0, squares: 0 }

  add({
    kind,
    key,
    at,
    value,
  }: {
    readonly kind: string
    readonly key: string
    readonly at: number
    readonly value: unknown
  }): void {
    if (kind === 'order_update') {
      const { state } = value as OrderUpdate
      if (state === 'accepted' || state === 'rejected') this.orders++
    } else if (kind === 'fill') this.fills++
    else if (kind === 'signal') this.signals++
    else if (kind === 'refused_order') {
      const { code } = value as RefusedOrder
      this.refused[code] = (this.refused[code] ?? 0) + 1
    } else if (kind === 'position') this.positions[key] = toText((value as Position).quantity)
    else if (kind === 'equity') this.equity(value as Equity, key, at)
  }

  private equity(value: Equity, key: string, at: number): void {
    this.last = value
    const equity = toNumber(value.equity)
    if (equity > this.peak) this.peak = equity
    if (this.peak > 0) this.drawdown = Math.max(this.drawdown, (this.peak - equity) / this.peak)
    // the grid rows are equally far apart; rows after fills are not
    if (key !== '*') return
    const before = this.step
    const every = before === undefined ? 0 : before.every || at - before.at
    if (before !== undefined && at - before.at === every && before.equity !== 0) {
      const change = equity / before.equity - 1
      const distance = change - this.returns.mean
      this.returns.count++
      this.returns.mean += distance / this.returns.count
      this.returns.squares += distance * (change - this.returns.mean)
    }
    this.step = { at, equity, every }
  }

  private sharpe(): number | null {
    const { count, mean, squares } = this.returns
    if (count < 3 || squares === 0 || this.step === undefined) return null
    return (mean / Math.sqrt(squares / (count - 1))) * Math.sqrt(YEAR / this.step.every)
  }

  result(): RunSummary {
    const { last } = this
    const pnl = last && ((last.realised + last.unrealised - last.fees) as Fixed)
    return {
      orders: this.orders,
      fills: this.fills,
      refused: this.refused,
      signals: this.signals,
      cash: last ? toText(last.cash) : null,
      equity: last ? toText(last.equity) : null,
      pnl: pnl === undefined ? null : toText(pnl),
      fees: last ? toText(last.fees) : null,
      sharpe: this.sharpe(),
      max_drawdown: last ? this.drawdown : null,
      positions: this.positions,
    }
  }
}
