import { z } from 'zod'
import { timeBars } from '../../operators/window/time_bars.ts'
import { defineOperator, listed } from '../../runtime/define.ts'
import { encodeItems } from '../../runtime/feed.ts'
import { STRAGGLERS } from '../../runtime/network.ts'
import { outputId } from '../../runtime/outputs.ts'
import { type Plan, type PlannedSource, plan as planOf } from '../../runtime/plan.ts'
import { Scalar } from '../../schemas/features.ts'
import { Quote, Trade } from '../../schemas/market.ts'
import { trade } from '../../schemas/samples.ts'
import { tapeTrades } from '../../sources/tape/trades.ts'
import { laggyQuotes, laggyTrades, watcher } from '../toy_components.ts'
import { Chance } from './chance.ts'

const mix = (mixed: number, price: number): number => (mixed * 31 + price) % 1_000_003

/** A row that is lost, doubled or out of order changes every answer after it. */
const chain = defineOperator({
  name: 'chain',
  version: 1,
  summary: 'Folds prices into a number that tells their order.',
  input: { trade: Trade, quote: Quote },
  optional: ['trade', 'quote'],
  output: Scalar,
  params: z.strictObject({}),
  init: () => ({ mixed: 7 }),
  on: {
    trade(state, { price }) {
      state.mixed = mix(state.mixed, price)
      return state.mixed
    },
    quote(state, { bid }) {
      state.mixed = mix(state.mixed, bid)
      return state.mixed
    },
  },
  example: { params: {}, input: [trade(1, 10)], output: [227] },
})
const catalogue = {
  operators: listed(chain, timeBars),
  sources: listed(tapeTrades, laggyTrades, laggyQuotes),
  sinks: listed(watcher),
}

/** One input: rows, and timers that close windows. */
export const single = planOf(
  {
    pipeline: 'single',
    nodes: {
      trades: { source: 'tape_trades' },
      chained: { op: 'chain', from: { trade: 'trades' } },
      bars: { op: 'time_bars', from: 'trades', params: { every: '1s' } },
      watch: { sink: 'watcher', from: { scalar: 'chained', bar: 'bars' } },
    },
  },
  catalogue,
)
/** Two inputs that meet in the state of every key, in any order: what comes out depends on how they were interleaved. */
export const paired = planOf(
  {
    pipeline: 'paired',
    nodes: {
      trades: { source: 'laggy_trades', params: { lateness: '1h' } },
      quotes: { source: 'laggy_quotes', params: { lateness: '1h' } },
      chained: { op: 'chain', from: { trade: 'trades', quote: 'quotes' } },
      watch: { sink: 'watcher', from: { scalar: 'chained' } },
    },
  },
  catalogue,
)

interface Row {
  readonly at: number
  readonly key: string
  readonly price: number
}
/** An input record: a frame of some rows, or bytes that are none. */
export interface Input {
  readonly data: Uint8Array
  readonly rows: readonly Row[]
}

const keys = ['v:A', 'v:B', 'v:C']
/** Records of a source of a plan: always the same for a seed, and no two rows of the plan at one time. */
export function inputsOf({ sources }: Plan, source: number, seed: number, count: number): readonly Input[] {
  const chance = new Chance(seed * 2 + source)
  const planned = sources[source] as PlannedSource
  let at = 1_000_000
  return Array.from({ length: count }, () => {
    const rows = Array.from({ length: 1 + chance.below(3) }, () => {
      at += 2 * (1 + chance.below(400_000))
      return { at: at + source, key: chance.of(keys), price: 1 + chance.below(1000) }
    })
    const items = rows.map(({ at, key, price }) => {
      const value =
        planned.component.output === Trade
          ? { price, size: 1, side: 0, id: 0 }
          : { bid: price, ask: price, bid_size: 1, ask_size: 1 }
      return { type: 'row' as const, at, key, value }
    })
    const data = encodeItems(planned, items)[0] as Uint8Array
    return chance.below(12) === 0 ? { data: data.slice(0, -9), rows: [] } : { data, rows }
  })
}

/** A committed row, as it is compared. */
export const said = (id: string, value: unknown): string => `${id} ${JSON.stringify(value)}`

/** What `paired` has to say to records in an order. */
export function chained(taken: Iterable<Input>): readonly string[] {
  const known = new Map<string, { mixed: number; newest: number; stragglers: number }>()
  const all: string[] = []
  for (const { rows } of taken)
    for (const { at, key, price } of rows) {
      const state = known.get(key) ?? { mixed: 7, newest: 0, stragglers: 0 }
      known.set(key, state)
      state.mixed = mix(state.mixed, price)
      const ordinal = at < state.newest ? STRAGGLERS + state.stragglers++ : 0
      state.newest = Math.max(state.newest, at)
      all.push(said(outputId('paired', 'chained', key, at, ordinal), state.mixed))
    }
  return all
}
