import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { type Definition, isKind, isMany, type Operator, type Ports } from '../runtime/define.ts'
import { Driver, portsNamed } from '../runtime/drive.ts'
import { toJson } from '../runtime/json.ts'
import type { Network, Running } from '../runtime/network.ts'
import { paramProblems } from '../runtime/param_problems.ts'
import { layoutOf } from '../runtime/state/layout.ts'
import { isRing } from '../runtime/state/ring.ts'
import type { Kind } from '../schemas/kind.ts'
import type { Sample } from '../schemas/samples.ts'
import { tapeOf } from './tapes.ts'
import { withoutClock } from './without_clock.ts'

/** Params and a tape an operator is held to the laws with. */
export interface Case {
  readonly params: unknown
  readonly tape: readonly Sample[]
  /** µs a row may lag behind the newest. */
  readonly lateness?: number
}
type Law = (operator: Operator, given: Case) => readonly string[]
export interface Breach {
  readonly law: LawName
  readonly message: string
}

const two = ['binance:BTCUSDT', 'okx:ETH-USDT']
/** The example, a tape of one key, and one of two keys whose rows come out of order. */
export function casesOf(operator: Operator, params: unknown = operator.example.params): readonly Case[] {
  const ports: Ports = { ...operator.inputs, ...operator.ambient, ...operator.latest }
  return [
    { params: operator.example.params, tape: operator.example.input },
    { params, tape: tapeOf(ports, { seed: 1 }) },
    { params, tape: tapeOf(ports, { seed: 2, keys: two, lateness: 2_000_000 }), lateness: 2_000_000 },
  ]
}

/** What is broken, law by law; empty when the operator is lawful. */
export function breaches(
  { definition }: Definition<Operator>,
  cases: readonly Case[] = casesOf(definition),
  which: readonly LawName[] = Object.keys(laws) as LawName[],
): readonly Breach[] {
  const found = cases.flatMap((given) =>
    which.flatMap((law) => attempt(() => laws[law](definition, given)).map((message) => ({ law, message }))),
  )
  return found.filter((b, i) => found.findIndex((other) => other.law === b.law) === i)
}
/** @throws Error with every law the operator breaks */
export function keepsTheLaws(operator: Definition<Operator>, cases?: readonly Case[]): void {
  const found = breaches(operator, cases)
  if (found.length > 0)
    throw new Error(
      `${operator.definition.name} breaks the laws\n${found.map((b) => `${b.law}: ${b.message}`).join('\n')}`,
    )
}

function attempt(check: () => readonly string[]): readonly string[] {
  try {
    return check()
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)]
  }
}

// ---- playing a tape ------------------------------------------------------------------------------

const copied = (sample: Sample): Sample => ({
  ...sample,
  value: typeof sample.value === 'object' && sample.value !== null ? { ...sample.value } : sample.value,
})
const start = (operator: Operator, { params, tape, lateness = 0 }: Case, strict = false): Driver =>
  new Driver(operator, params, { strict, lateness, wired: portsNamed(tape) })
/** The answers to each sample, as they were when given. */
const play = (driver: Driver, tape: readonly Sample[]): unknown[][] =>
  tape.map((sample) => structuredClone(driver.feed(copied(sample))))
const states = ({ engine }: Driver): readonly object[] =>
  engine.network.nodes.flatMap((n) => [...statesOf(engine.network, n), ...n.each])
const statesOf = (network: Network, node: Running): readonly object[] =>
  node.wide ? [network.stateOf(node, 0)] : [...network.keys.keys()].map((code) => network.stateOf(node, code))

function differs(found: readonly unknown[], expected: readonly unknown[], tape: readonly Sample[]): readonly string[] {
  const at = found.findIndex((answers, i) => !isDeepStrictEqual(answers, expected[i]))
  if (at < 0) return []
  const { kind, port = kind } = tape[at] as Sample
  return [`at message ${at} (${port}) expected ${toJson(expected[at])}, found ${toJson(found[at])}`]
}

/** A message of an answer, with its port; those of arrays come one by one. */
interface Message {
  readonly port: string
  readonly kind: Kind | undefined
  readonly value: unknown
}
function said(operator: Operator, answer: unknown): readonly Message[] {
  const ports = isKind(operator.output) ? { '': operator.output } : operator.output
  const values = isKind(operator.output) ? { '': answer } : (answer as Record<string, unknown>)
  return Object.entries(values).flatMap(([port, value]): Message[] => {
    const kind = ports[port]
    if (value === undefined) return []
    if (kind === undefined || !isMany(kind)) return [{ port, kind, value }]
    return (value as readonly unknown[]).map((one) => ({ port, kind, value: one }))
  })
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null
/** Names, order and types of a state, as text. */
const shapeOf = (value: unknown): string =>
  isRing(value)
    ? `Ring(${value.data.length})`
    : isObject(value)
      ? `{${Object.entries(value)
          .map(([name, v]) => `${name}:${shapeOf(v)}`)
          .join()}}`
      : value === null
        ? 'null'
        : typeof value
const inside = (value: unknown): readonly object[] =>
  isObject(value) ? [value, ...Object.values(value).flatMap(inside)] : []
function poison(value: unknown): void {
  if (isObject(value))
    for (const [field, v] of Object.entries(value))
      value[field] = typeof v === 'number' ? Number.NaN : typeof v === 'bigint' ? -(10n ** 30n) : undefined
}

// ---- the laws ------------------------------------------------------------------------------------

/** Every law by name: what an operator must keep so that engines may run it as they like. */
export const laws = {
  /** A name for YAML, files and metrics, and a sentence for the dictionary. */
  named({ name, summary, version }) {
    return [
      ...(/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/.test(name) ? [] : [`expected a snake_case name, found "${name}"`]),
      ...(/^[A-Z].*[^.]\.$/.test(summary) ? [] : [`expected a sentence as summary, found "${summary}"`]),
      ...(Number.isInteger(version) && version > 0 ? [] : [`expected a version from 1 on, found ${version}`]),
    ]
  },

  /** Misspelt params are refused, and every param has words. */
  params(operator, { params }) {
    const refused = paramProblems(operator, { ...(params as object), no_such_param: 1 })
    const { properties = {} } = z.toJSONSchema(operator.params, { io: 'input', unrepresentable: 'any' })
    return [
      ...(refused.some(({ path }) => path.includes('no_such_param')) ? [] : ['an unknown param is not refused']),
      ...Object.entries(properties)
        .filter(([, schema]) => typeof schema !== 'object' || !schema.description)
        .map(([param]) => `param ${param} has no description`),
    ]
  },

  /** The example holds to the bit. */
  example(operator) {
    const { params, input, output } = operator.example
    if (input.length === 0 || output.length === 0) return ['expected an example with input and output']
    const driver = start(operator, { params, tape: input })
    return differs(play(driver, input).flat(), output, input)
  },

  /** It runs: a scan answers every message, a feedback port none, an answer names only ports there are, once each. */
  answers(operator, given) {
    const driver = start(operator, given)
    const ports = isKind(operator.output) ? [] : Object.keys(operator.output)
    return play(driver, given.tape)
      .flat()
      .flatMap((answer) => {
        if (isKind(operator.output))
          return isMany(operator.output) && !Array.isArray(answer) ? ['expected an array'] : []
        const strangers = Object.keys(answer as object).filter((p) => !ports.includes(p))
        return strangers.length > 0 ? [`expected answers on ${ports.join(', ')}, found ${strangers.join(', ')}`] : []
      })
  },

  /** What it says fits the kind it says it in. */
  valid(operator, given) {
    return play(start(operator, given), given.tape)
      .flat()
      .flatMap((answer) => said(operator, answer))
      .flatMap(({ port, kind, value }) => {
        const { error } = kind === undefined ? {} : z.safeParse(kind.schema, value)
        return error ? [`${port || 'output'} ${toJson(value)} is no ${kind?.kind}: ${z.prettifyError(error)}`] : []
      })
  },

  /** The same tape gives the same answers twice. */
  deterministic(operator, given) {
    const expected = play(start(operator, given), given.tape)
    return differs(play(start(operator, given), given.tape), expected, given.tape)
  },

  /** No wall clock, no chance: event time is the only clock there is. */
  no_clock: (operator, given) =>
    withoutClock(() => {
      play(start(operator, given), given.tape)
      return []
    }),

  /** Messages, params and what was answered are never written to. */
  reads_only(operator, given) {
    const expected = play(start(operator, given), given.tape)
    return differs(play(start(operator, given, true), given.tape), expected, given.tape)
  },

  /** A message is not kept: numbers are copied out of it. */
  keeps_no_message(operator, given) {
    const expected = play(start(operator, given), given.tape)
    const driver = start(operator, given)
    const looked = new Map<string, unknown>()
    const found = given.tape.map((sample) => {
      const mine = copied(sample)
      const place = `${sample.port} ${sample.key}`
      const answers = structuredClone(driver.feed(mine))
      // the engine itself keeps the newest message of a `latest` port
      if (sample.port === undefined || !(sample.port in operator.latest)) poison(mine.value)
      else {
        poison(looked.get(place))
        looked.set(place, mine.value)
      }
      return answers
    })
    return differs(found, expected, given.tape)
  },

  /** The fields of a state keep their names, order and types. */
  state_shape(operator, given) {
    const driver = start(operator, given)
    const { network } = driver.engine
    const node = network.nodes[0] as Running
    const [state, each] = [shapeOf(network.stateOf(node, 0)), shapeOf(node.each[0])]
    return given.tape.flatMap((sample, i) => {
      driver.feed(copied(sample))
      const odd = [
        ...statesOf(network, node).filter((s) => shapeOf(s) !== state),
        ...node.each.filter((s) => shapeOf(s) !== each),
      ]
      return odd.length > 0 ? [`after message ${i} expected ${state}, found ${shapeOf(odd[0])}`] : []
    })
  },

  /** State is numbers, booleans, bigints of 128 bits, Rings and objects of these; `on_gap: mark` has its flag, an alarm waits for nobody. */
  state_plain(operator, given) {
    const driver = start(operator, given)
    play(driver, given.tape)
    for (const state of states(driver)) layoutOf(state as never)
    const marked =
      operator.on_gap !== 'mark' || states(driver).some((s) => typeof (s as { gapped?: unknown }).gapped === 'boolean')
    const waits = Object.keys(operator.latest).filter(
      (port) => !(port in operator.before) && !(port in operator.absent),
    )
    const values = states(driver)
      .flatMap(inside)
      .flatMap((part) => Object.values(part) as readonly unknown[])
    const wide = values.find((v) => typeof v === 'bigint' && BigInt.asIntN(128, v) !== v)
    return [
      ...(wide === undefined
        ? []
        : [`expected bigints of at most 128 bits: what is saved of ${wide} is another number`]),
      ...(marked ? [] : ['on_gap mark sets `gapped`, which the state does not have']),
      ...(operator.alarm !== undefined && waits.length > 0
        ? [`its alarm cannot fire before ${waits.join()} has spoken: give \`before\``]
        : []),
    ]
  },

  /** Saved and restored before every message, it goes on as if nothing had happened. */
  restarts(operator, given) {
    const whole = start(operator, given)
    const expected = play(whole, given.tape)
    let driver = start(operator, given)
    const found = given.tape.map((sample) => {
      const saved = driver.save()
      driver = start(operator, given)
      driver.load(saved)
      return structuredClone(driver.feed(copied(sample)))
    })
    const odd = differs(found, expected, given.tape)
    if (odd.length > 0) return odd
    return isDeepStrictEqual(driver.save(), whole.save()) ? [] : ['the state at the end is another after restarts']
  },

  /** Where its timer is idle, a call would have said nothing and changed nothing. */
  idle(operator, given) {
    const { timer } = operator
    if (timer?.idle === undefined) return []
    const [sleeps, wakes] = [
      start(operator, given),
      start({ ...operator, timer: { ...timer, idle: () => false } }, given),
    ]
    const odd = differs(play(sleeps, given.tape), play(wakes, given.tape), given.tape)
    if (odd.length > 0) return odd
    return isDeepStrictEqual(sleeps.save(), wakes.save()) ? [] : ['the state at the end is another when it is not idle']
  },

  /** Two copies fed in turns answer as each would alone. */
  shares_nothing(operator, given) {
    const expected = play(start(operator, given), given.tape)
    const [a, b] = [start(operator, given), start(operator, given)]
    const both = given.tape.map((sample) => [a, b].map((d) => structuredClone(d.feed(copied(sample)))))
    return [0, 1].flatMap((copy) =>
      differs(
        both.map((answers) => answers[copy]),
        expected,
        given.tape,
      ),
    )
  },

  /** An answer is a new object: not the state, not the message, not one that was answered before. */
  fresh_answers(operator, given) {
    const driver = start(operator, given)
    const before = new Set<unknown>()
    return given.tape.flatMap((sample, i) => {
      const mine = copied(sample)
      const held = new Set<unknown>([mine.value])
      const answers = driver.feed(mine)
      for (const state of states(driver)) for (const part of inside(state)) held.add(part)
      return answers.flatMap((answer) =>
        [answer, ...said(operator, answer).map(({ value }) => value)]
          .filter((value, n, all) => isObject(value) && all.indexOf(value) === n)
          .flatMap((value) => {
            const lent = held.has(value) || before.has(value)
            before.add(value)
            return lent ? [`the answer to message ${i} is an object that something else holds`] : []
          }),
      )
    })
  },

  /** Answers of a port have all their fields, in one order: that of the example. */
  field_order(operator, given) {
    const orders = new Map<string, string>()
    const all = [...operator.example.output, ...play(start(operator, given), given.tape).flat()]
    return all
      .flatMap((answer) => said(operator, answer))
      .flatMap(({ port, value }) => {
        if (!isObject(value)) return []
        const order = Object.keys(value).join()
        const first = orders.get(port) ?? order
        orders.set(port, first)
        return order === first ? [] : [`${port || 'output'}: expected fields ${first}, found ${order}`]
      })
  },

  /** What it said up to a time does not change when later input is added. */
  no_look_ahead(operator, given) {
    const { tape } = given
    const cuts = [0.25, 0.5, 0.9].map((share) => Math.ceil(share * tape.length))
    return cuts.flatMap((cut) => {
      const before = play(start(operator, given), tape.slice(0, cut))
      return differs(before, play(start(operator, given), tape).slice(0, cut), tape)
    })
  },
} satisfies Readonly<Record<string, Law>>
export type LawName = keyof typeof laws
