import { Engine, type ExecutionName } from '../../runtime/engine.ts'
import { metering } from '../../runtime/environment/metering.ts'
import type { Watch } from '../../runtime/watch.ts'
import type { Equity, Position } from '../../schemas/account.ts'
import type { Bar } from '../../schemas/market.ts'
import type { Fill, RefusedOrder, Signal } from '../../schemas/orders.ts'
import { type Feed, framesOf } from './feed.ts'
import { benchPlan, SOURCE } from './graph.ts'
import { ACCOUNT, put, putBar, refusalNumber, Sheets } from './sheets.ts'
import type { Running } from './variants.ts'

type Put = (at: number, symbol: number, value: never) => void
function writersOf(s: Sheets): ReadonlyMap<string, Put> {
  const money = (at: number, symbol: number, v: Equity) =>
    put(s.equity, at, symbol, v.cash, v.equity, v.realised, v.unrealised, v.fees)
  const writers: Readonly<Record<string, Put>> = {
    minute: (at: number, symbol: number, v: Bar) => putBar(s.minute, at, symbol, v),
    second: (at: number, symbol: number, v: Bar) => putBar(s.second, at, symbol, v),
    score(at: number, symbol: number, v: number) {
      const place = s.score.row(at, symbol)
      s.score.data[place] = v
    },
    signal: (at: number, symbol: number, v: Signal) => put(s.signal, at, symbol, v.direction, v.strength, v.price),
    'gate.refused': (at: number, symbol: number, v: RefusedOrder) =>
      put(s.refused, at, symbol, refusalNumber[v.code]!, v.found, v.allowed),
    'execute.fill': (at: number, symbol: number, v: Fill) =>
      put(s.fill, at, symbol, v.order_at, v.side === 'buy' ? 1 : -1, v.quantity, v.price, v.notional, v.fee),
    'account.position': (at: number, symbol: number, v: Position) =>
      put(s.position, at, symbol, v.quantity, v.average_price, v.realised, v.unrealised, v.fees),
    'account.equity': money,
  }
  return new Map(Object.entries(writers))
}

/** A variant out of anything that runs a plan. */
const engineVariant =
  (execution: ExecutionName) =>
  (feed: Feed): Running => {
    const sheets = new Sheets()
    const writers = writersOf(sheets)
    const symbols = new Map(feed.keys.map((key, symbol) => [key, symbol]))
    const watch: Watch = {
      output(edge, _kind, key, at, _ordinal, value) {
        writers.get(edge)?.(at, edge === 'account.equity' ? ACCOUNT : symbols.get(key)!, value as never)
      },
    }
    const engine = new Engine(benchPlan(), watch, { execution, metering })
    const frames = framesOf(feed, SOURCE)
    return {
      sheets,
      pass() {
        for (const frame of frames) engine.frame(frame)
      },
      shift(by) {
        for (const { at } of frames) for (let i = 0; i < at.length; i++) at[i]! += by
      },
      late: () => engine.counts.late,
    }
  }

export const interpreter = engineVariant('interpret')
export const compiled = engineVariant('compile')
