import { z } from 'zod'
import {
  type Catalogue,
  defineKernel,
  defineOperator,
  defineSink,
  defineSource,
  listed,
  many,
  type Operator,
  Ring,
  type State,
} from '../runtime/define.ts'
import { Scalar } from '../schemas/features.ts'
import { kind, type Of } from '../schemas/kind.ts'
import { Gap } from '../schemas/market.ts'
import { duration } from '../schemas/units.ts'

// Components that do whatever an operator may do, by chance: every port, every form of answer, every way to fail.

export const Note = kind(
  'note',
  z.strictObject({
    x: z.number(),
    on: z.boolean(),
    side: z.union([z.literal(-1), z.literal(0), z.literal(1)]),
    how: z.enum(['a', 'b', 'c']),
    big: z.bigint(),
  }),
  { summary: 'Something of every type that can be kept.' },
)
export interface Note extends z.output<typeof Note.schema> {}
/** What a kernel reads and writes: numbers. */
export const Sum = kind('sum', z.strictObject({ a: z.number(), b: z.boolean() }), { summary: 'Numbers.' })

/** A number that depends on every bit of those given: the chance of an operator, out of its state and what it sees. */
function stir(...all: readonly (number | bigint | boolean)[]): number {
  let h = 0x811c9dc5
  for (const one of all)
    for (const c of Object.is(one, -0) ? '-0' : String(one)) h = Math.imul(h ^ c.charCodeAt(0), 0x01000193)
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  return ((h ^ (h >>> 13)) >>> 0) / 2 ** 32
}
const odd = [0, -0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 2 ** 53, 1e308, 5e-324, -1, 0.1]
const numberOf = (chance: number): number => {
  const n = Math.floor(chance * 1000)
  return n < 100 ? (odd[n % odd.length] as number) : n < 400 ? n : n / 7
}
const noteOf = (chance: number): Note => {
  const n = Math.floor(chance * 4096)
  return {
    x: numberOf(chance),
    on: n % 2 === 1,
    side: ((n % 3) - 1) as -1 | 0 | 1,
    how: (['a', 'b', 'c'] as const)[n % 3] as 'a' | 'b' | 'c',
    big: (BigInt(n) - 2048n) << BigInt(n % 100),
  }
}

interface Memory extends State {
  calls: number
  sum: number
  flag: boolean
  big: bigint
  ring: Ring
  inner: { last: number; deep: { count: number } }
  due: number
  gapped: boolean
}
const init = (): Memory => ({
  ...{ calls: 0, sum: 0, flag: false, big: 0n, ring: new Ring(3), inner: { last: 0, deep: { count: 0 } } },
  ...{ due: Number.POSITIVE_INFINITY, gapped: false },
})
interface Params {
  seed: number
  speaks: number
  throws: number
  every: number
}
interface Look {
  readonly params: Params
  readonly latest: { readonly p?: Readonly<Note>; readonly q?: number }
  readonly at: number
  readonly key: string
  readonly ordinal: number
  readonly each: { seen?: number; mean?: number }
  readonly all: readonly { readonly seen?: number }[]
}
const lookedAt = ({ latest: { p, q } }: Look): readonly (number | bigint | boolean)[] => [
  ...(p === undefined ? [] : [p.x, p.on, p.side, p.how.charCodeAt(0), p.big]),
  ...(q === undefined ? [] : [q]),
]

/** Everything an operator may do in a call: change its state, set its alarm, throw before or after that, answer on any of its ports. */
function act(state: Memory, seen: readonly (number | bigint | boolean)[], env: Look) {
  const { params, at, key, ordinal, each, all } = env
  const told = all.reduce((sum, part) => sum + (part?.seen ?? 0), 0)
  const before = [state.calls, state.sum, state.flag, state.big, state.inner.deep.count, state.ring.next, state.gapped]
  const chance = stir(
    params.seed,
    at,
    ordinal,
    key.charCodeAt(key.length - 1) || 0,
    told,
    ...before,
    ...seen,
    ...lookedAt(env),
  )
  const dice = (n: number) => stir(chance, n)
  if (dice(1) < params.throws) throw new Error('before anything')
  state.calls++
  if (each.seen !== undefined) each.seen++
  if (each.mean !== undefined) each.mean = numberOf(dice(2))
  state.sum = numberOf(dice(3))
  if (dice(4) < params.throws) throw new Error('in the middle')
  state.flag = !state.flag
  state.big = (BigInt(Math.floor(dice(5) * 2 ** 30)) << 70n) - (1n << 99n)
  state.ring.push(numberOf(dice(6)))
  if (dice(7) < 0.3) state.inner = { last: at, deep: { count: state.inner.deep.count + 1 } }
  if (dice(8) < 0.3)
    state.due = [at, at - 1, at + 50_000, at + 1, at + 700_000, Number.POSITIVE_INFINITY][
      Math.floor(dice(9) * 6)
    ] as number
  if (dice(10) < params.throws) throw new Error('at the end')
  return dice
}
function answer(state: Memory, seen: readonly (number | bigint | boolean)[], env: Look) {
  const dice = act(state, seen, env)
  const { speaks } = env.params
  if (dice(20) > 2 * speaks) return undefined
  const notes = Array.from({ length: Math.floor(dice(24) * 3) }, (_, i) => noteOf(dice(30 + i)))
  const numbers = Array.from({ length: Math.floor(dice(25) * 3) }, (_, i) => numberOf(dice(40 + i)))
  return {
    ...(dice(21) < speaks && { nums: numbers }),
    ...(dice(22) < speaks && { one: noteOf(dice(50)) }),
    ...(dice(23) < speaks && { many: notes }),
    ...(dice(26) < speaks && { num: numberOf(dice(51)) }),
    ...(dice(27) < speaks && { sum: { a: numberOf(dice(52)), b: dice(53) < 0.5 } }),
    ...(dice(28) < speaks / 4 && { one: undefined }),
  }
}

const params = z.strictObject({
  seed: z.int().default(1).describe('what chance begins with'),
  speaks: z.number().default(0.5).describe('how often a port speaks'),
  throws: z.number().default(0).describe('how often it throws'),
  every: z.int().default(1_000_000).describe('period of the timer'),
})
const facts = (message: unknown): readonly (number | bigint | boolean)[] =>
  typeof message === 'object'
    ? Object.values(message as object).map((v) => (typeof v === 'string' ? v.length : v))
    : [message as number]
const outputs = {
  ports: { one: Note, many: many(Note), num: Scalar, nums: many(Scalar), sum: Sum },
  note: Note,
  notes: many(Note),
  number: Scalar,
  numbers: many(Scalar),
} as const
type Form = keyof typeof outputs
const port = { note: 'one', notes: 'many', number: 'num', numbers: 'nums' } as const

interface Ways {
  readonly form: Form
  readonly wide?: boolean
  readonly timer?: 'left' | 'right'
  /** Its timer has nothing to say after every third call. */
  readonly idle?: boolean
  readonly alarm?: boolean
  readonly waits?: boolean
  readonly on_gap?: 'keep' | 'mark' | 'reset'
  readonly late?: boolean
  readonly ambient?: boolean
  readonly end?: boolean
  /** Holds back some of its answers, or throws when it is asked whether it does. */
  readonly silent?: boolean
  /** Takes notes apart where it takes them, and leaves fields of them alone: a program need not fetch those. */
  readonly apart?: boolean
  readonly numbered?: boolean
  readonly in_order?: boolean
  /** Looks at no newest message of another node, and takes apart what it is told of its own. */
  readonly alone?: boolean
}
function wild(name: string, ways: Ways) {
  const {
    form,
    wide = false,
    timer,
    alarm = false,
    waits = false,
    on_gap = 'keep',
    late = false,
    ambient = false,
    alone = false,
  } = ways
  const said = (state: Memory, seen: readonly (number | bigint | boolean)[], env: Look) => {
    const all = answer(state, seen, env)
    return form === 'ports' || all === undefined ? all : (all as Record<string, unknown>)[port[form]]
  }
  const take = (state: Memory, message: unknown, env: Look) => said(state, facts(message), env)
  const apart = {
    a: (state: Memory, { x, big }: Note, env: Look) => said(state, [x, big], env),
    d: (state: Memory, _note: Note, env: Look) => said(state, [], env),
    ...(ambient && { all: (state: Memory, { how, on: yes }: Note, env: Look) => said(state, [how.length, yes], env) }),
  }
  // each of them reads less than the one before
  const nothing = { key: '', ordinal: 0, each: {}, all: [], latest: {} }
  const told = {
    a: (state: Memory, { x }: Note, { params, at, key, ordinal, each, all }: Look) =>
      said(state, [x], { params, at, key, ordinal, each, all, latest: {} }),
    c: (state: Memory, { b }: Of<typeof Sum>, { params, at: time, key }: Look) =>
      said(state, [b], { ...nothing, params, at: time, key }),
    d: (state: Memory, _note: Note, { params, ordinal, each }: Look) =>
      said(state, [], { ...nothing, params, at: 0, ordinal, each }),
  }
  const woken = (state: Memory, at: number, env: Look) => {
    if (state.due <= at) state.due = Number.POSITIVE_INFINITY
    return said(state, [at], env)
  }
  const idle = ({ calls }: Memory) => calls % 3 === 0
  const resting = ways.idle
    ? { idle, fire: (state: Memory, at: number, env: Look) => (idle(state) ? undefined : woken(state, at, env)) }
    : { fire: woken }
  const definition = {
    ...{ name, version: 1, summary: 'Does anything.', output: outputs[form], params, init, on_gap, late },
    input: { a: Note, b: Scalar, c: Sum, d: Note, fb: Note },
    optional: ['a', 'b', 'c', 'd', 'fb'],
    feedback: ['fb'],
    ...(ways.numbered && { numbered: ['a', 'b'] }),
    ...(ways.in_order && { in_order: ambient ? ['a', 'all'] : ['a', 'b'] }),
    ...(!alone && { latest: { p: Note, q: Scalar }, absent: { p: noteOf(0.7), q: 7 } }),
    ...(!alone && !waits && { before: { p: noteOf(0.3), q: -0 } }),
    ...(ambient && { ambient: { gap: Gap, all: Note } }),
    on: {
      ...{ a: take, b: take, c: take, d: take },
      fb(state: Memory, message: unknown, env: Look) {
        const dice = act(state, facts(message), env)
        return dice(60) < env.params.throws ? {} : undefined
      },
      ...(ambient && { gap: take, all: take }),
      ...(ways.apart && apart),
      ...(alone && told),
    },
    ...(timer && { timer: { every: ({ every }: Params) => every, closed: () => timer, ...resting } }),
    ...(alarm && { alarm: { at: ({ due }: Memory) => due, fire: woken } }),
    ...(ways.silent && {
      silent(state: Memory, answer: unknown, { seed, throws }: Params) {
        const chance = stir(
          seed,
          state.calls,
          state.sum,
          ...(Array.isArray(answer) ? answer.flatMap(facts) : facts(answer)),
        )
        if (stir(chance, 1) < throws) throw new Error('does not know')
        return stir(chance, 2) < 0.4
      },
    }),
    ...(ways.end && { end: (state: Memory, env: Look) => said(state, [], env) }),
    ...(wide && { scope: 'pipeline', each: () => ({ seen: 0, mean: 0.5 }) }),
    example: { params: {}, input: [], output: [] },
  }
  return defineOperator(definition as never) as unknown as { readonly definition: Operator }
}
export const wilds = listed(
  wild('w_ports', { form: 'ports', end: true, apart: true, in_order: true }),
  wild('w_ports_alarm', { form: 'ports', alarm: true, timer: 'left', on_gap: 'reset', apart: true, numbered: true }),
  wild('w_ports_wide', {
    form: 'ports',
    wide: true,
    timer: 'right',
    idle: true,
    alarm: true,
    on_gap: 'mark',
    end: true,
  }),
  wild('w_note_waits', { form: 'note', waits: true, late: true, silent: true }),
  wild('w_note_alarm', {
    form: 'note',
    alarm: true,
    late: true,
    ambient: true,
    apart: true,
    in_order: true,
    silent: true,
  }),
  wild('w_notes_timer', {
    form: 'notes',
    timer: 'right',
    idle: true,
    waits: true,
    on_gap: 'reset',
    apart: true,
    silent: true,
  }),
  wild('w_notes_wide', { form: 'notes', wide: true, on_gap: 'reset', ambient: true, late: true, in_order: true }),
  wild('w_number_timer', {
    form: 'number',
    timer: 'left',
    idle: true,
    on_gap: 'mark',
    end: true,
    apart: true,
    numbered: true,
    silent: true,
  }),
  wild('w_numbers', { form: 'numbers', timer: 'left', alarm: true, ambient: true }),
  wild('w_ports_alone', {
    form: 'ports',
    alone: true,
    alarm: true,
    timer: 'left',
    ambient: true,
    numbered: true,
    silent: true,
  }),
  wild('w_note_alone', { form: 'note', alone: true, wide: true, timer: 'right', ambient: true, late: true }),
  wild('w_number_wide', { form: 'number', wide: true, alarm: true, waits: false, in_order: true, silent: true }),
)

/** Fails as a whole, answers too little, or does what it should. */
const model = defineKernel({
  name: 'model',
  version: 1,
  summary: 'Half as much again.',
  input: Sum,
  output: Sum,
  params: z.strictObject({
    throws: z.number().default(0).describe('how often'),
    later: z.boolean().default(false).describe('how'),
  }),
  open({ throws, later }) {
    const work = (input: Float64Array, rows: number) => {
      const firsts = Array.from({ length: rows }, (_, i) => input[2 * i] as number)
      // alike for every batch: what a batch is, is settled by the moment
      if (stir(rows, ...firsts) < throws) throw new Error('too much')
      if (stir(...firsts, 2) < throws) return new Float64Array(1)
      const out = new Float64Array(2 * rows + 3)
      for (let i = 0; i < rows; i++) {
        out[2 * i] = 1.5 * (input[2 * i] as number)
        out[2 * i + 1] = 1 - (input[2 * i + 1] as number)
      }
      return out
    }
    const slow = async (input: Float64Array, rows: number) => {
      await new Promise((resolve) => setImmediate(resolve))
      return work(input, rows)
    }
    return { run: later ? slow : work }
  },
  example: { params: {}, input: [], output: [] },
})

const lag = z.strictObject({ lateness: duration().default(0).describe('how late rows may come') })
const source = (name: string, output: typeof Note | typeof Scalar | typeof Sum) =>
  defineSource({
    ...{ name, version: 1, summary: 'Rows that come out of order.', params: lag },
    lateness: ({ lateness }) => lateness,
    output: output as typeof Note,
    example: { params: {} },
  })
export const watcher = defineSink({
  name: 'wild_watcher',
  version: 1,
  summary: 'Looks at all there is.',
  input: { note: Note, scalar: Scalar, sum: Sum },
  optional: ['note', 'scalar', 'sum'],
  params: z.strictObject({}),
  open: () => ({ position: { commit: 0, order: -1 }, write() {}, flush() {}, close() {} }),
  example: { params: {} },
})
export const wildCatalogue: Catalogue = {
  operators: { ...wilds, ...listed(model) },
  sources: listed(source('notes', Note), source('numbers', Scalar), source('sums', Sum)),
  sinks: listed(watcher),
}
export const anyNote = noteOf
export const anyNumber = numberOf
