import { z } from 'zod'
import { TidegateError } from '../schemas/errors.ts'
import type { Kind } from '../schemas/kind.ts'
import type { Gap } from '../schemas/market.ts'
import type { Sample } from '../schemas/samples.ts'
import type { Definition, Operator, Source } from './define.ts'
import { Engine } from './engine.ts'
import { FirstFailure } from './failure.ts'
import type { Kernel } from './kernels.ts'
import { paramProblems } from './param_problems.ts'
import { deepFreeze, type Plan, type PlannedSource } from './plan.ts'
import { Snapshots } from './state/snapshot.ts'
import type { Watch } from './watch.ts'
import { edgesOf } from './wiring.ts'

const port = (id: string, kind: Kind): PlannedSource => ({
  id,
  component: {
    role: 'source',
    name: id,
    version: 1,
    summary: '',
    notes: '',
    output: kind,
    params: z.unknown(),
    lateness: () => 0,
    open: undefined,
    generate: undefined,
    example: { params: {} },
  } satisfies Source,
  params: {},
  lateness: 0,
})

/** A plan of one operator, each port of it fed by hand. @throws PARAMS_INVALID */
export function solo(operator: Operator, raw: unknown, lateness = 0, wired: readonly string[] = []): Plan {
  const problems = paramProblems(operator, raw)
  if (problems.length > 0)
    throw new TidegateError(
      'PARAMS_INVALID',
      `params of ${operator.name}: ${problems.map((p) => `${p.path.join('.') || '(top)'}: ${p.message}`).join('; ')}`,
      { problems },
    )
  const params = z.parse(operator.params, raw)
  const looked = Object.fromEntries(
    Object.entries(operator.latest).filter(([p]) => !(p in operator.absent) || wired.includes(p)),
  )
  const ports = { ...operator.inputs, ...operator.ambient, ...looked }
  const sources = Object.entries(ports).map(([id, kind]) => ({ ...port(`in_${id}`, kind), lateness }))
  const called = Object.keys({ ...operator.inputs, ...operator.ambient })
  const node = {
    id: operator.name,
    operator,
    params: deepFreeze(operator.prepare(params)),
    twin: false,
    inputs: Object.fromEntries(called.map((p) => [p, [`in_${p}`]])),
    latest: Object.fromEntries(Object.keys(looked).map((p) => [p, `in_${p}`])),
  }
  const edges = [...sources.flatMap((s) => edgesOf(s.id, s.component)), ...edgesOf(operator.name, operator)].map(
    ([name, kind]) => ({ name, kind, recorded: false }),
  )
  return {
    pipeline: 'drive',
    mode: 'backtest',
    hash: '',
    resolved: {},
    sources,
    nodes: [node],
    sinks: [],
    executors: [],
    edges,
  }
}

export interface DriverOptions {
  readonly strict?: boolean
  /** µs a row may lag behind the newest. */
  readonly lateness?: number
  /** `latest` ports to feed that may also be left unwired. */
  readonly wired?: readonly string[]
  /** Where its messages can be watched, one by one. */
  readonly watch?: Watch
}

/** One running operator, fed by hand: examples, tests and `tidegate drive`. */
export class Driver {
  readonly engine: Engine
  private answers: unknown[] = []
  private readonly failures = new FirstFailure()
  private readonly operator: Operator

  constructor(operator: Operator, params: unknown, options: DriverOptions = {}) {
    this.operator = operator
    const plan = solo(operator, params, options.lateness, options.wired)
    this.engine = new Engine(
      plan,
      {
        ...options.watch,
        failed: this.failures.failed,
        strict: options.strict ?? true,
        answer: (_node, answer) => this.answers.push(answer),
      },
      { kernels: openAtOnce(plan) },
    )
  }

  /** The answers to one sample, timers and alarms that fall due before it included, in order. @throws OPERATOR_FAILED */
  feed(sample: Sample): unknown[] {
    this.answers = []
    this.take(sample)
    if (this.engine.waiting !== undefined) throw notAtOnce(this.operator.name)
    this.failures.check()
    return this.answers
  }
  private take(sample: Sample): void {
    const { kind, at, key, value } = sample
    if (kind === 'heartbeat') {
      const { end } = value as { end: boolean }
      this.pass(end ? '*' : key, at, end)
      return
    }
    const source = this.portOf(sample)
    if (kind === 'gap') {
      this.pass(key, at, false, source)
      this.engine.gap(0, key, at, value as Gap)
      if (source >= 0) this.engine.row(source, key, at, value)
      return
    }
    this.pass(key, at, false, source)
    this.engine.row(source, key, at, value)
  }

  /** Event time passes on all ports together: one that is silent does not hold the others up. */
  private pass(key: string, at: number, end: boolean, except = -1): void {
    for (const source of this.engine.plan.sources.keys())
      if (source !== except) this.engine.heartbeat(source, key, at, { end })
  }

  private portOf({ kind, port: named }: Sample): number {
    const { plan } = this.engine
    const fitting = plan.sources.flatMap((s, i) =>
      (named === undefined ? s.component.output.kind === kind : s.id === `in_${named}`) ? [i] : [],
    )
    if (fitting.length === 1) return fitting[0] as number
    if (kind === 'gap') return -1
    const ports = plan.sources.map((s) => `${s.id.slice(3)}: ${s.component.output.kind}`).join(', ')
    throw new TidegateError(
      'INPUT_INVALID',
      `expected a message for one port of ${this.operator.name} (${ports}), found ${named ? `port "${named}"` : `kind ${kind}`}${fitting.length > 1 ? '; name the port' : ''}`,
    )
  }

  save(): { bytes: Uint8Array; keys: readonly string[] } {
    return { bytes: new Snapshots(this.engine).save(true), keys: [...this.engine.network.keys] }
  }
  load({ bytes, keys }: { bytes: Uint8Array; keys: readonly string[] }): void {
    new Snapshots(this.engine).load(bytes, keys)
    this.engine.resume()
  }
}

const notAtOnce = (name: string): TidegateError =>
  new TidegateError(
    'INPUT_INVALID',
    `the kernel of ${name} opens or answers later; only one that does so at once can be driven by hand`,
  )
function openAtOnce({ nodes }: Plan): ReadonlyMap<string, Kernel> {
  const opened = new Map<string, Kernel>()
  for (const { id, operator, params } of nodes) {
    const kernel = operator.kernel?.(params as never)
    if (kernel instanceof Promise) throw notAtOnce(operator.name)
    if (kernel !== undefined) opened.set(id, kernel)
  }
  return opened
}

/** Runs an operator over samples: all its answers in order, in the author's form, without silence. */
export function drive(operator: Definition<Operator>, params: unknown, input: readonly Sample[]): unknown[] {
  const driver = new Driver(operator.definition, params, { wired: portsNamed(input) })
  return input.flatMap((sample) => driver.feed(sample))
}
/** Ports that samples name outright. */
export const portsNamed = (input: readonly Sample[]): readonly string[] =>
  input.flatMap((s) => (s.port === undefined ? [] : [s.port]))
