import { TidegateError } from '../../schemas/errors.ts'
import { KEY_GROUPS } from '../key_groups.ts'
import { layout, type Range } from '../log/layout.ts'
import type { Log } from '../log/log.ts'
import type { Plan } from '../plan.ts'
import { type Fate, fates } from '../state/carry.ts'
import type { Definitions, Deployed, HeldPointer, Pointer } from './definitions.ts'
import { divisible, rangesOf, tickStreams } from './feed_name.ts'
import type { Plans } from './plans.ts'
import { type Start, startAt } from './start.ts'
import { newestHead } from './tasks.ts'

export interface Deploying {
  readonly definitions: Definitions
  readonly plans: Plans
  readonly log: Log
}
export interface DeployOptions {
  readonly definition: unknown
  readonly plan: Plan
  readonly release: string
  readonly by: string
  readonly at: string
  readonly ranges?: number | undefined
  /** Where a fresh pipeline begins in its tick streams: after what is there now, unless given. */
  readonly start?: Start
  /** Nodes about money whose state may be lost. */
  readonly dropState?: readonly string[]
}
export interface Deployment {
  readonly deployed: Deployed
  readonly pointer: Pointer
  /** Runs from now on; else it is a candidate for `shadow` and `promote`. */
  readonly live: boolean
  readonly fates: readonly Fate[]
}

/**
 * Stores a definition. The first of a pipeline runs at once; a later one waits for `promote`.
 * @throws DEPLOY_REFUSED with every reason in `info.reasons`
 */
export async function deploy(on: Deploying, options: DeployOptions): Promise<Deployment> {
  const { definitions, plans, log } = on
  const { plan, definition, release, by, at } = options
  const { pipeline } = plan
  const there = await definitions.pointer(pipeline)
  const before = there && (await plans.of(pipeline, there.pointer.version))
  const ranges = there?.pointer.ranges ?? options.ranges ?? 1
  const changed = before === undefined ? [] : fates(before, plan)
  const reasons = [
    ...secretsIn(definition),
    ...rangeProblems(plan, ranges, there, options.ranges),
    ...moneyLost(changed, options.dropState ?? []),
  ]
  if (before !== undefined && before.hash === plan.hash)
    reasons.push(`version ${there?.pointer.version} runs this very plan`)
  refuse(pipeline, 'deployed', reasons)
  const start = there?.pointer.start ?? (await startOf(plan, ranges, log, options.start))
  const deployed = await definitions.add(pipeline, { definition, plan: plan.hash, release, by, at })
  const { version } = deployed
  const first: Pointer = {
    ...{ pipeline, state: 'running', version, previous: null, candidate: version, shadow: null, ranges, start },
  }
  if (there === undefined && (await definitions.place(first)))
    return { deployed, pointer: first, live: true, fates: changed }
  const pointer = await definitions.move(pipeline, (now) => ({ ...now, candidate: version }))
  return { deployed, pointer, live: false, fates: changed }
}

/** Makes a version the one that runs; it goes on with the state of the one before. @throws DEPLOY_REFUSED */
export async function promote(
  on: Deploying,
  pipeline: string,
  options: { readonly version?: number | undefined; readonly dropState?: readonly string[] },
): Promise<{ readonly pointer: Pointer; readonly fates: readonly Fate[] }> {
  const { definitions, plans, log } = on
  const { pointer } = await definitions.require(pipeline)
  const version = options.version ?? pointer.candidate
  const [old, next] = [await plans.of(pipeline, pointer.version), await plans.of(pipeline, version)]
  const changed = fates(old, next)
  refuse(pipeline, 'promoted', [
    ...(version === pointer.version ? [`version ${version} runs already`] : []),
    ...rangeProblems(next, pointer.ranges, undefined, undefined),
    ...moneyLost(changed, options.dropState ?? []),
  ])
  const start = { ...(await startOf(next, pointer.ranges, log)), ...pointer.start }
  const moved = await definitions.move(pipeline, (now) => {
    if (now.version !== pointer.version) refuse(pipeline, 'promoted', [`version ${now.version} was promoted meanwhile`])
    return {
      ...now,
      version,
      previous: pointer.version,
      candidate: Math.max(now.candidate, version),
      shadow: null,
      start,
    }
  })
  return { pointer: moved, fates: changed }
}

/** Lets the candidate run beside, from the newest whole state of each range. */
export async function shadow(on: Deploying, pipeline: string, version?: number): Promise<Pointer> {
  const { definitions, plans, log } = on
  const { pointer } = await definitions.require(pipeline)
  const wanted = version ?? pointer.candidate
  refuse(pipeline, 'shadowed', wanted === pointer.version ? [`version ${wanted} is the one that runs`] : [])
  await plans.of(pipeline, wanted)
  const after: Record<string, number> = {}
  for (const range of rangesOf(pointer.ranges)) {
    const name = layout.stage(pipeline, range)
    const whole = (await newestHead(log, name))?.full
    if (whole === undefined) refuse(pipeline, 'shadowed', [`${name} has no commit yet: nothing to begin from`])
    after[name] = whole as number
  }
  return definitions.move(pipeline, (now) => ({ ...now, shadow: { version: wanted, after } }))
}

async function startOf(plan: Plan, ranges: number, log: Log, start: Start = { type: 'now' }) {
  const all: Record<string, number> = {}
  for (const range of rangesOf(ranges))
    for (const { name } of tickStreams(plan, range)) all[name] = await startAt(await log.stream(name), start)
  return all
}
function refuse(pipeline: string, what: string, reasons: readonly string[]): void {
  if (reasons.length > 0)
    throw new TidegateError(
      'DEPLOY_REFUSED',
      `${pipeline} was not ${what}:\n${reasons.map((r) => `- ${r}`).join('\n')}`,
      {
        pipeline,
        reasons,
      },
    )
}
function rangeProblems(
  plan: Plan,
  ranges: number,
  there: HeldPointer | undefined,
  asked: number | undefined,
): readonly string[] {
  const wide = plan.nodes.filter(({ operator }) => operator.scope === 'pipeline').map(({ id }) => id)
  return [
    ...(KEY_GROUPS % ranges === 0 ? [] : [`expected 1, 2, 4, 8, 16, 32 or 64 ranges, found ${ranges}`]),
    ...(ranges > 1 && !divisible(plan)
      ? [`${ranges} ranges, but ${wide.join(', ')} sees the whole pipeline and needs all keys in one place`]
      : []),
    ...(there !== undefined && asked !== undefined && asked !== there.pointer.ranges
      ? [`${asked} ranges, but the pipeline was made with ${there.pointer.ranges}, and ranges are fixed`]
      : []),
  ]
}
const moneyLost = (changed: readonly Fate[], dropped: readonly string[]): readonly string[] =>
  changed
    .filter(({ fate, money, node }) => money && (fate === 'fresh' || fate === 'dropped') && !dropped.includes(node))
    .map(({ node, why }) => `the state of "${node}" would be lost (${why}); --drop-state ${node} says that it may be`)

/** A definition is stored in the open and read by many. */
const secretName = /(^|_)(secret|password|passphrase|private_key|mnemonic|seed_phrase|api_key)($|_)/i
const secretValue = /^(0x)?[0-9a-f]{64}$|^S[UAONC][A-Z2-7]{56}$|-----BEGIN [A-Z ]*PRIVATE KEY/
function secretsIn(value: unknown, path = 'definition'): readonly string[] {
  if (typeof value === 'string')
    return secretValue.test(value) ? [`${path} looks like a key, and definitions hold no secrets`] : []
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, inner]) => {
    const here = `${path}.${name}`
    return secretName.test(name) ? [`${here} is named as a secret, and definitions hold none`] : secretsIn(inner, here)
  })
}

/** The range that a key belongs to. */
export const rangeOf = (group: number, of: number): Range => ({ part: Math.floor((group * of) / KEY_GROUPS), of })
