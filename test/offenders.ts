import { z } from 'zod'
import { type Definition, defineOperator, defineScan, type Operator, Ring } from '../runtime/define.ts'
import { Scalar } from '../schemas/features.ts'
import { Bar } from '../schemas/market.ts'
import { Fill, OrderIntent, Signal } from '../schemas/orders.ts'
import { advance, bar, barOf, fill, signal } from '../schemas/samples.ts'
import type { LawName } from '../testing/laws.ts'

// One operator and more for every law, each with the mistake that the law is there to catch.

const about = { version: 1, summary: 'Does something that a law forbids.' }
const input = [bar(1, 10), bar(2, 20)]
const none = z.strictObject({})
const scan = { ...about, input: Bar, output: Scalar, params: none, example: { params: {}, input, output: [10, 20] } }

// ---- what an operator may not hold on to -------------------------------------------------------------

let steps = 0
const hidesState = defineScan({ ...scan, name: 'hides_state', step: () => ++steps })

const known = new Map<number, number>()
const peeks = defineOperator({
  ...about,
  name: 'peeks',
  input: { bar: Bar },
  output: Scalar,
  params: none,
  init: () => ({ last: 0 }),
  on: {
    // the bar after this one, where an earlier run has seen it
    bar(state, { close }, { at }) {
      known.set(state.last, close)
      state.last = at
      return known.get(at) ?? 0
    },
  },
  example: { params: {}, input, output: [0, 0] },
})

const shared = new Ring(4)
const sharesWindow = defineScan({
  ...scan,
  name: 'shares_window',
  init: () => ({ window: shared }),
  step: ({ window }, { close }) => window.push(close),
})
const lastBar: { bar: Bar } = { bar: barOf(0) }
const keepsOutside = defineScan({
  ...scan,
  name: 'keeps_outside',
  step(_state, bar) {
    const { close } = lastBar.bar
    lastBar.bar = bar
    return close
  },
})
const keepsMessage = defineScan({
  ...scan,
  name: 'keeps_message',
  init: () => ({ bar: { ...barOf(0) } }),
  step(state, bar) {
    const { close } = state.bar
    state.bar = bar
    return close
  },
})
const beside = new WeakMap<object, number>()
const hidesBeside = defineScan({
  ...scan,
  name: 'hides_beside',
  init: () => ({ seen: 0 }),
  step(state) {
    const seen = (beside.get(state) ?? 0) + 1
    beside.set(state, seen)
    return seen
  },
})
let chosen = 0
const remembersInit = defineScan({
  ...scan,
  name: 'remembers_init',
  init() {
    chosen++
    return { seen: 0 }
  },
  step: (state) => ++state.seen + chosen,
})

// ---- what it may not write to -----------------------------------------------------------------------

const writesMessage = defineScan({
  ...scan,
  name: 'writes_message',
  step(_state, bar) {
    ;(bar as { close: number }).close += 1
    return bar.close
  },
})
const writesParams = defineScan({
  ...scan,
  name: 'writes_params',
  prepare: () => ({ seen: 0 }),
  step: (_state, _bar, { params }) => ++(params as { seen: number }).seen,
})
const writesAnswer = defineScan({
  ...about,
  name: 'writes_answer',
  input: Bar,
  output: Bar,
  params: none,
  init: () => ({ bar: { ...barOf(1) } }),
  step(state, { close }) {
    state.bar.close = close
    return state.bar
  },
  example: { params: {}, input, output: [barOf(1, { close: 10 }), barOf(1, { close: 20 })] },
})
const flat = barOf(5)
const oneAnswer = defineScan({
  ...about,
  name: 'one_answer',
  input: Bar,
  output: Bar,
  params: none,
  step: () => flat,
  example: { params: {}, input, output: [flat, flat] },
})
const passesOn = defineScan({
  ...about,
  name: 'passes_on',
  input: Bar,
  output: Bar,
  params: none,
  step: (_state, bar) => bar,
  example: { params: {}, input, output: [barOf(10), barOf(20)] },
})

// ---- shapes -----------------------------------------------------------------------------------------

const widens = defineScan({
  ...scan,
  name: 'widens',
  init: (): { seen: number; extra?: number } & Record<string, number> => ({ seen: 0 }),
  step: (state, { close }) => (state.extra = close),
})
const changesType = defineScan({
  ...scan,
  name: 'changes_type',
  init: () => ({ last: 0 as number | boolean }),
  step(state, { close }) {
    state.last = close > 15 ? close : close > 0
    return close
  },
})
const holdsNull = defineScan({
  ...scan,
  name: 'holds_null',
  init: () => ({ last: null as never as number }),
  step: (_state, { close }) => close,
})
const holdsMap = defineScan({
  ...scan,
  name: 'holds_map',
  init: () => ({ seen: new Map() as never as { [name: string]: number } }),
  step: (_state, { close }) => close,
})
const holdsWide = defineScan({
  ...scan,
  name: 'holds_wide',
  init: () => ({ product: 1n }),
  step(state, { close }) {
    state.product = 1n << 128n
    return close
  },
})
const noFlag = defineScan({ ...scan, name: 'no_flag', on_gap: 'mark', step: (_state, { close }) => close })
const turnsFields = defineScan({
  ...about,
  name: 'turns_fields',
  input: Bar,
  output: Signal,
  params: none,
  step: (_state, { close: price }) =>
    price < 15 ? { direction: 1 as const, strength: 1, price } : { price, strength: 1, direction: 1 as const },
  example: {
    params: {},
    input,
    output: [
      { direction: 1, strength: 1, price: 10 },
      { direction: 1, strength: 1, price: 20 },
    ],
  },
})

// ---- answers ----------------------------------------------------------------------------------------

const falls = defineScan({
  ...scan,
  name: 'falls_silent',
  step: (_s, { close }) => (close > 15 ? close : (undefined as never)),
})
const answersFeedback = defineOperator({
  ...about,
  name: 'answers_feedback',
  input: { signal: Signal, fill: Fill },
  feedback: ['fill'],
  output: OrderIntent,
  params: none,
  on: {
    signal: () => undefined,
    fill: (_state, fill: Fill) => ({ side: 'buy' as const, quantity: 1, limit: 0, price: fill.price }),
  },
  example: {
    params: {},
    input: [signal(1, 1), fill(2, 'buy', 1)],
    output: [{ side: 'buy', quantity: 1, limit: 0, price: 100 }],
  },
})
const strangePort = defineOperator({
  ...about,
  name: 'strange_port',
  input: { bar: Bar },
  output: { value: Scalar },
  params: none,
  on: { bar: (_state, { close }) => ({ valeu: close }) as never },
  example: { params: {}, input, output: [{ value: 10 }] },
})
const saysNaN = defineScan({ ...scan, name: 'says_nan', step: (_state, { volume }) => (volume - volume) / 0 })
const wrongExample = defineScan({ ...scan, name: 'wrong_example', step: (_state, { close }) => close + 1e-12 })
const asksClock = defineScan({ ...scan, name: 'asks_clock', step: () => Date.now() })
const asksDate = defineScan({ ...scan, name: 'asks_date', step: () => new Date().getDay() })
const throwsDice = defineScan({ ...scan, name: 'throws_dice', step: () => Math.random() })

// ---- words ------------------------------------------------------------------------------------------

const camel = defineScan({ ...scan, name: 'camelCase', step: (_state, { close }) => close })
const mumbles = defineScan({ ...scan, name: 'mumbles', summary: 'averages closes', step: (_state, { close }) => close })
const loose = defineScan({ ...scan, name: 'loose', params: z.object({}), step: (_state, { close }) => close })
const unsaid = defineScan({
  ...scan,
  name: 'unsaid',
  params: z.strictObject({ span: z.int().default(3) }),
  step: (_state, { close }) => close,
})

// ---- what a timer may not miss ------------------------------------------------------------------------

const counting = {
  ...about,
  input: { bar: Bar },
  output: Scalar,
  params: none,
  init: () => ({ bars: 0, calls: 0 }),
  on: {
    bar(state: { bars: number }) {
      state.bars++
    },
  },
  example: { params: {}, input: [bar(1, 10), advance(20)], output: [1] },
}
const sleepsTooEarly = defineOperator({
  ...counting,
  name: 'sleeps_too_early',
  timer: { every: () => 1_000_000, idle: ({ bars }) => bars > 0, fire: ({ bars }) => bars },
})
const countsAsleep = defineOperator({
  ...counting,
  name: 'counts_asleep',
  timer: {
    every: () => 1_000_000,
    idle: () => true,
    fire(state) {
      state.calls++
    },
  },
})

export const offenders: Readonly<Record<LawName, readonly Definition<Operator>[]>> = {
  named: [camel, mumbles],
  params: [loose, unsaid],
  example: [wrongExample],
  answers: [falls, answersFeedback, strangePort],
  valid: [saysNaN],
  deterministic: [hidesState, peeks],
  no_clock: [asksClock, asksDate, throwsDice],
  reads_only: [writesMessage, writesParams, writesAnswer],
  keeps_no_message: [keepsMessage, keepsOutside],
  state_shape: [widens, changesType],
  state_plain: [holdsNull, holdsMap, holdsWide, noFlag],
  restarts: [hidesBeside, remembersInit],
  shares_nothing: [sharesWindow, hidesState],
  fresh_answers: [writesAnswer, oneAnswer, passesOn],
  field_order: [turnsFields],
  idle: [sleepsTooEarly, countsAsleep],
  no_look_ahead: [peeks],
}
