import type { Equity, Position } from '../schemas/account.ts'
import { type Fixed, toNumber, toText } from '../schemas/fixed.ts'
import type { Fill, OrderUpdate, RefusedOrder } from '../schemas/orders.ts'

/** What is said of a run. Money is the nearest double, and in `exact` the decimal text to 1e-8; null where a run has no such number. */
export interface RunSummary {
  readonly orders: number
  readonly fills: number
  /** Positions that were opened and closed again. */
  readonly trades: number
  readonly refused: Readonly<Record<string, number>>
  readonly signals: number
  readonly cash: number | null
  readonly equity: number | null
  /** Realised and unrealised profit less fees. */
  readonly pnl: number | null
  readonly fees: number | null
  /** Per year, from equal steps of event time; null under 3 steps or without movement. */
  readonly sharpe: number | null
  /** Greatest fall from a peak, as a share of the peak. */
  readonly max_drawdown: number | null
  /** Base units held, by instrument. */
  readonly positions: Readonly<Record<string, number>>
  readonly exact: {
    readonly cash: string | null
    readonly equity: string | null
    readonly pnl: string | null
    readonly fees: string | null
    readonly positions: Readonly<Record<string, string>>
  }
}

const text = (value: Fixed | undefined): string | null => (value === undefined ? null : toText(value))
const number = (value: Fixed | undefined): number | null => (value === undefined ? null : toNumber(value))

const YEAR = 365 * 86_400e6

/** Folds committed rows into a summary, in constant memory. */
export class Summary {
  private orders = 0
  private fills = 0
  private trades = 0
  private signals = 0
  private readonly refused: Record<string, number> = {}
  private readonly positions: Record<string, Fixed> = {}
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
    } else if (kind === 'fill') this.fills += Math.sign(toNumber((value as Fill).quantity))
    else if (kind === 'signal') this.signals++
    else if (kind === 'refused_order') {
      const { code } = value as RefusedOrder
      this.refused[code] = (this.refused[code] ?? 0) + 1
    } else if (kind === 'position') this.position(key, (value as Position).quantity)
    else if (kind === 'equity') this.equity(value as Equity, key, at)
  }

  private position(key: string, now: Fixed): void {
    const before = this.positions[key] ?? 0n
    if (before !== 0n && (now === 0n || now > 0n !== before > 0n)) this.trades++
    this.positions[key] = now
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
    const of = <T>(as: (quantity: Fixed) => T) =>
      Object.fromEntries(Object.entries(this.positions).map(([key, quantity]) => [key, as(quantity)]))
    return {
      orders: this.orders,
      fills: this.fills,
      trades: this.trades,
      refused: this.refused,
      signals: this.signals,
      cash: number(last?.cash),
      equity: number(last?.equity),
      pnl: number(pnl),
      fees: number(last?.fees),
      sharpe: this.sharpe(),
      max_drawdown: last ? this.drawdown : null,
      positions: of(toNumber),
      exact: {
        cash: text(last?.cash),
        equity: text(last?.equity),
        pnl: text(pnl),
        fees: text(last?.fees),
        positions: of(toText),
      },
    }
  }
}
