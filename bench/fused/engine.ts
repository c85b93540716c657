import { type ExecutionName, openEngine } from '../../runtime/engine.ts'
import { metering } from '../../runtime/environment/metering.ts'
import type { Plan } from '../../runtime/plan.ts'
import type { Watch } from '../../runtime/watch.ts'
import type { Equity, Position } from '../../schemas/account.ts'
import type { Bar } from '../../schemas/market.ts'
import type { Fill, RefusedOrder, Signal } from '../../schemas/orders.ts'
import type { Probabilities } from '../model/kinds.ts'
import { type Feed, framesOf } from './feed.ts'
import { fusedGraph } from './graph.ts'
import { ACCOUNT, put, putBar, refusalNumber, Sheets } from './sheets.ts'
import type { Running } from './variants.ts'

/** What is run, and where it answers. */
export interface Graph {
  readonly plan: () => Plan
  /** Name of the source. */
  readonly source: string
  readonly answer: 'score' | 'probabilities'
}

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
    model: (at: number, symbol: number, v: Probabilities) => put(s.probabilities, at, symbol, v.down, v.flat, v.up),
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

/** Writes every output of an engine down. */
export function watchInto(sheets: Sheets, keys: readonly string[]): Watch {
  const writers = writersOf(sheets)
  const symbols = new Map(keys.map((key, symbol) => [key, symbol]))
  const byCode: number[] = []
  return {
    output(edge) {
      const write = writers.get(edge) ?? (() => {})
      if (edge === 'account.equity') return (_key, at, _ordinal, value) => write(at, ACCOUNT, value as never)
      return (key, at, _ordinal, value, code) => {
        byCode[code] ??= symbols.get(key)!
        write(at, byCode[code], value as never)
      }
    },
  }
}

/** A variant out of a graph and a way to run it. */
export const engineVariant =
  (execution: ExecutionName, { plan, source, answer }: Graph = fusedGraph) =>
  async (feed: Feed): Promise<Running> => {
    const sheets = new Sheets(answer)
    const engine = await openEngine(plan(), watchInto(sheets, feed.keys), { execution, metering })
    const frames = framesOf(feed, source)
    return {
      sheets,
      async pass() {
        for (const frame of frames) {
          engine.frame(frame)
          if (engine.waiting !== undefined) await engine.waiting
        }
      },
      shift(by) {
        for (const { at } of frames) for (let i = 0; i < at.length; i++) at[i]! += by
      },
      late: () => engine.counts.late,
    }
  }

export const interpreter = engineVariant('interpret')
export const compiled = engineVariant('compile')
