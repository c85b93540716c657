import { book, type Holding, holding, money, profit } from '../../operators/account/holding.ts'
import type { Committed } from '../../runtime/define.ts'
import { type Fixed, ratio, toNumber, toText } from '../../schemas/fixed.ts'
import type { Fill } from '../../schemas/orders.ts'

/** What is held of one instrument by the fills of a run; 1e-8 of base or quote units. */
export interface ListedPosition {
  readonly key: string
  readonly quantity: Fixed
  readonly average_price: number
  readonly realised: Fixed
  readonly fees: Fixed
  /** At the newest price that rows tell of; that of the last fill where none tell more. */
  readonly unrealised: Fixed
  readonly price: number
  readonly price_at: number
  readonly fills: number
}

/** The price a committed row tells of; undefined where it tells none. */
function priceOf({ kind, value }: Committed): number | undefined {
  const { bid = 0, ask = 0, close = 0, price = 0 } = value as Readonly<Record<string, number>>
  if (kind === 'quote') return (bid + ask) / 2
  if (kind === 'bar') return close
  return ['trade', 'fill', 'signal', 'approved_order', 'order_intent'].includes(kind) ? price : undefined
}

/** Positions of a run, folded from its committed rows with the arithmetic of the portfolio. */
export class PositionList {
  private readonly holdings = new Map<string, Holding & { marked: number; fills: number }>()

  add(row: Committed): void {
    const price = priceOf(row)
    if (price === undefined) return
    const held = this.holdings.get(row.key) ?? { ...holding(), marked: 0, fills: 0 }
    this.holdings.set(row.key, held)
    if (row.at >= held.marked) Object.assign(held, { mark: price, marked: row.at })
    if (row.kind !== 'fill') return
    const { side, quantity, notional, fee } = row.value as Fill
    const sign = side === 'buy' ? 1n : -1n
    book(held, sign * quantity, sign * notional)
    held.fees += fee
    held.fills++
  }

  /** Instruments that were traded. */
  all(): readonly ListedPosition[] {
    const traded = [...this.holdings].filter(([, { fills }]) => fills > 0)
    return traded.map(([key, held]) => ({
      key,
      quantity: money(held.quantity),
      average_price: held.quantity === 0n ? 0 : ratio(money(held.cost), money(held.quantity)),
      realised: money(held.realised),
      fees: money(held.fees),
      unrealised: money(profit(held)),
      ...{ price: held.mark, price_at: held.marked, fills: held.fills },
    }))
  }
}

/** Numbers as the nearest double, and money in `exact` as its decimal text. */
export function positionDocument({ key, quantity, realised, unrealised, fees, ...rest }: ListedPosition) {
  const money = { quantity, realised, unrealised, fees }
  const told = (as: (of: Fixed) => number | string) =>
    Object.fromEntries(Object.entries(money).map(([name, value]) => [name, as(value)]))
  return { instrument: key, ...rest, ...told(toNumber), exact: told(toText) }
}
