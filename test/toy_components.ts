import { z } from 'zod'
import { operators } from '../operators/catalogue.ts'
import {
  type Catalogue,
  defineKernel,
  defineOperator,
  defineScan,
  defineSink,
  defineSource,
  listed,
} from '../runtime/define.ts'
import { Scalar } from '../schemas/features.ts'
import { Bar, Gap, Quote, Trade } from '../schemas/market.ts'
import { Signal } from '../schemas/orders.ts'
import { advance, bar, gap, trade } from '../schemas/samples.ts'
import { duration } from '../schemas/units.ts'
import { sinks } from '../sinks/catalogue.ts'
import { sources } from '../sources/catalogue.ts'

// Components that do what the shipped ones do not: lateness, alarms, gaps and late rows that are answered.

const lag = z.strictObject({ lateness: duration().default(0).describe('how late rows may come') })
const laggy = <K extends typeof Trade | typeof Quote>(name: string, output: K) =>
  defineSource({
    name,
    version: 1,
    summary: 'Rows that come out of order.',
    output,
    params: lag,
    lateness: ({ lateness }) => lateness,
    example: { params: {} },
  })
export const laggyTrades = laggy('laggy_trades', Trade)
export const laggyQuotes = laggy('laggy_quotes', Quote)

/** A tick-level decision: the answers carry the times of the rows, in whatever order these come. */
export const tickSignal = defineOperator({
  name: 'tick_signal',
  version: 1,
  summary: 'Signals on every so many trades or quotes.',
  input: { trade: Trade, quote: Quote },
  optional: ['trade', 'quote'],
  output: Signal,
  params: z.strictObject({ of: z.int().min(1).default(5).describe('rows per signal') }),
  init: () => ({ seen: 0, last: 0 }),
  on: {
    trade(state, { price }, { params }) {
      const strength = price - state.last
      state.last = price
      return ++state.seen % params.of === 0
        ? { direction: strength > 0 ? (1 as const) : (-1 as const), strength, price }
        : undefined
    },
    quote(state, { bid: price }, { params }) {
      const strength = price - state.last
      state.last = price
      return ++state.seen % params.of === 0
        ? { direction: strength > 0 ? (1 as const) : (-1 as const), strength, price }
        : undefined
    },
  },
  example: { params: { of: 1 }, input: [trade(1, 10)], output: [{ direction: 1, strength: 10, price: 10 }] },
})

/** Says a bar's close again some time later: one-shot timers. */
export const echo = defineOperator({
  name: 'echo',
  version: 1,
  summary: 'Repeats the newest close after a while.',
  input: { bar: Bar },
  output: Scalar,
  params: z.strictObject({ after: duration().describe('how long to wait') }),
  init: () => ({ due: Number.POSITIVE_INFINITY, close: 0 }),
  on: {
    bar(state, { close }, { params, at }) {
      state.close = close
      if (state.due === Number.POSITIVE_INFINITY) state.due = at + params.after
    },
  },
  alarm: {
    at: (state) => state.due,
    fire(state) {
      state.due = Number.POSITIVE_INFINITY
      return state.close
    },
  },
  on_gap: 'reset',
  example: { params: { after: '1s' }, input: [bar(1, 10), bar(5, 20), advance(6)], output: [10, 20] },
})

/** Speaks of gaps and takes late rows: both are data. */
export const troubleSignal = defineOperator({
  name: 'trouble_signal',
  version: 1,
  summary: 'Signals every gap, and every row that came too late.',
  input: { trade: Trade },
  ambient: { gap: Gap },
  output: Signal,
  params: z.strictObject({}),
  late: true,
  init: () => ({ newest: 0, gaps: 0 }),
  on: {
    trade(state, { price }, { at }) {
      const behind = state.newest - at
      state.newest = Math.max(state.newest, at)
      return behind > 0 ? { direction: 0 as const, strength: behind, price } : undefined
    },
    gap(state) {
      state.gaps++
      return { direction: 0 as const, strength: state.gaps, price: 1 }
    },
  },
  example: { params: {}, input: [trade(1, 10), gap(2)], output: [{ direction: 0, strength: 1, price: 1 }] },
})

const trips = (price: number, of: number): void => {
  if (Math.round(price * 100) % of === 0) throw new Error(`${price} is one too many`)
}
/** Fails on some prices, in the middle of its work. */
export const brittle = defineOperator({
  name: 'brittle',
  version: 1,
  summary: 'Repeats closes, and throws on some of them.',
  input: { bar: Bar },
  ambient: { trade: Trade, quote: Quote },
  output: Scalar,
  params: z.strictObject({ of: z.int().min(2).default(40).describe('one price in so many is too many') }),
  init: () => ({ bars: 0, ticks: 0, due: Number.POSITIVE_INFINITY }),
  on: {
    bar(state, { close }, { params, at }) {
      state.bars++
      trips(close, params.of)
      state.due = at + 700_000
      return close
    },
    trade(state, { price }, { params }) {
      state.ticks++
      trips(price, params.of * 7)
    },
    quote(state) {
      state.ticks++
    },
  },
  alarm: {
    at: (state) => state.due,
    fire(state, _at, { params }) {
      state.due = Number.POSITIVE_INFINITY
      if (state.bars % params.of === 3) throw new Error('tired')
      return state.bars
    },
  },
  example: { params: {}, input: [bar(1, 10.01)], output: [10.01] },
})
/** Speaks, and fails, on every row. */
export const eachPrice = defineScan({
  name: 'each_price',
  version: 1,
  summary: 'Repeats prices, and throws on some of them.',
  input: Trade,
  output: Scalar,
  params: z.strictObject({ of: z.int().min(2).default(40).describe('one price in so many is too many') }),
  init: () => ({ seen: 0 }),
  step(state, { price }, { params }) {
    state.seen++
    trips(price, params.of)
    return price + state.seen
  },
  example: { params: {}, input: [trade(1, 10.01)], output: [11.01] },
})
/** The same for the whole pipeline: it fails for every instrument at once. */
export const brittleAccount = defineOperator({
  name: 'brittle_account',
  version: 1,
  summary: 'Counts bars of all instruments, and throws on some of them.',
  scope: 'pipeline',
  input: { bar: Bar },
  output: Scalar,
  params: z.strictObject({ of: z.int().min(2).default(40).describe('one price in so many is too many') }),
  init: () => ({ bars: 0 }),
  each: () => ({ bars: 0 }),
  on: {
    bar(state, { close }, { params, each }) {
      each.bars++
      trips(close, params.of)
      return ++state.bars
    },
  },
  timer: { every: () => 3_000_000, fire: (state) => state.bars },
  example: { params: {}, input: [bar(1, 10.01)], output: [1] },
})

/** A kernel whose answer is in the batch it was asked in, or later. */
export const affine = defineKernel({
  name: 'affine',
  version: 1,
  summary: 'Half as much again, and one.',
  input: Scalar,
  output: Scalar,
  params: z.strictObject({
    later: z.boolean().default(false).describe('answer with a promise'),
    lends: z.boolean().default(false).describe('lend memory for one question'),
  }),
  open({ later, lends }) {
    const work = (input: Float64Array, rows: number) => input.slice(0, rows).map((x) => 1.5 * x + 1)
    const run = later ? async (input: Float64Array, rows: number) => work(input, rows) : work
    const numbers = new Float32Array(1)
    return { run, ...(lends && { room: { numbers, stride: 1, run: (rows) => run(Float64Array.from(numbers), rows) } }) }
  },
  example: { params: {}, input: [], output: [] },
})

/** Takes whatever the graph says, so that it counts as recorded. */
export const watcher = defineSink({
  name: 'watcher',
  version: 1,
  summary: 'Looks at features and bars.',
  input: { scalar: Scalar, bar: Bar, late: Trade, gap: Gap },
  optional: ['scalar', 'bar', 'late', 'gap'],
  params: z.strictObject({}),
  open: () => ({ position: { commit: 0, order: -1 }, write() {}, flush() {}, close() {} }),
  example: { params: {} },
})

const beside = new WeakMap<object, number>()
const hiddenState = defineScan({
  name: 'hidden_state',
  version: 1,
  summary: 'Planted: counts in a place that no snapshot sees.',
  input: Bar,
  output: Scalar,
  params: z.strictObject({}),
  init: () => ({ seen: 0 }),
  step(state) {
    const seen = (beside.get(state) ?? 0) + 1
    beside.set(state, seen)
    return seen
  },
  example: { params: {}, input: [bar(1, 10)], output: [1] },
})
/** What a test lets `peeking` see. */
export const future: { prices: readonly number[] } = { prices: [] }
const peeking = defineScan({
  name: 'peeking',
  version: 1,
  summary: 'Planted: knows the last price of the whole tape.',
  input: Bar,
  output: Scalar,
  params: z.strictObject({}),
  init: () => ({ last: future.prices.at(-1) ?? 0 }),
  step: ({ last }, { close }) => last - close,
  example: { params: {}, input: [bar(1, 10)], output: [-10] },
})

export const toys = listed(
  tickSignal,
  echo,
  troubleSignal,
  brittle,
  eachPrice,
  brittleAccount,
  affine,
  hiddenState,
  peeking,
)
export const catalogue: Catalogue = {
  operators: { ...operators, ...toys },
  sources: { ...sources, ...listed(laggyTrades, laggyQuotes) },
  sinks: { ...sinks, ...listed(watcher) },
}
