import { isDeepStrictEqual } from 'node:util'
import { TidegateError } from '../../schemas/errors.ts'
import type { CommitHead } from '../commit.ts'
import { cutsEvenly } from '../key_groups.ts'
import { layout } from '../log/layout.ts'
import type { Log } from '../log/log.ts'
import type { Plan } from '../plan.ts'
import { type Fate, fates, sameForm } from '../state/carry.ts'
import { placed, startAfter, startOf, ticksOf, toBegin } from './begin.ts'
import type { Definitions, Deployed, HeldPointer, Pointer } from './definitions.ts'
import { rangesOf, uncut } from './feed_name.ts'
import type { Plans } from './plans.ts'
import type { Start } from './start.ts'
import { newestHead } from './tasks.ts'

export interface Deploying {
  readonly definitions: Definitions
  readonly plans: Plans
  readonly log: Log
  /** Makes the streams that workers write; unless given, workers make them. */
  readonly prepare?: (pipeline: string, ranges: number) => Promise<void>
}
export interface DeployOptions {
  readonly definition: unknown
  readonly plan: Plan
  readonly release: string
  readonly by: string
  readonly at: string
  readonly ranges?: number | undefined
  /** Where a pipeline that took nothing yet begins in its tick streams: after what is there now, unless given. */
  readonly start?: Start | undefined
  readonly state?: StateChoice
}
/** What becomes of the state of nodes that changed. */
export interface StateChoice {
  /** Nodes about money whose state may be lost. */
  readonly drop?: readonly string[]
  /** Nodes that go on with their state though their params changed. */
  readonly keep?: readonly string[]
}
export interface Deployment {
  readonly deployed: Deployed
  /** False where it was there already. */
  readonly added: boolean
  /** It was there, had taken nothing yet, and now begins at another place. */
  readonly begins: boolean
  readonly pointer: Pointer
  /** Runs from now on; else it is a candidate for `shadow` and `promote`. */
  readonly live: boolean
  readonly fates: readonly Fate[]
}

/**
 * Stores a definition. The first of a pipeline runs at once; a later one waits for `promote`. What runs or waits already
 * is not stored again.
 * @throws DEPLOY_REFUSED with every reason in `info.reasons`
 */
export async function deploy(on: Deploying, options: DeployOptions): Promise<Deployment> {
  const { definitions, plans, log } = on
  const { plan, definition, release, by, at } = options
  const { pipeline } = plan
  const there = await definitions.pointer(pipeline)
  const before = there && (await plans.of(pipeline, there.pointer.version))
  const ranges = there?.pointer.ranges ?? options.ranges ?? 1
  const changed = before === undefined ? [] : fates(before, plan, options.state?.keep)
  const same = before?.hash === plan.hash
  const asked = there && options.start
  const anew = there && asked && same ? await toBegin(plan, there.pointer, log, asked) : []
  const honoured = asked === undefined || anew.length > 0 || (same && isDeepStrictEqual(there?.pointer.from, asked))
  refuse(pipeline, 'deployed', [
    ...secretsIn(definition),
    ...rangeProblems(plan, ranges, there, options.ranges),
    ...(!honoured
      ? [
          'the pipeline is there and goes on where it stands: --from, --from-seq and --from-time are for one that is new',
        ]
      : []),
    ...stateProblems(before === undefined ? [] : [before], plan, options.state),
  ])
  const from = options.start ?? { type: 'now' }
  const places = await startOf(there === undefined ? ticksOf(plan, rangesOf(ranges)) : anew, log, from)
  await on.prepare?.(pipeline, ranges)
  if (there !== undefined && same) {
    const { version } = there.pointer
    const deployed = await definitions.version(pipeline, version)
    const begins = anew.length > 0
    const moved = (now: Pointer): Pointer => {
      if (now.version !== version) throw promotedMeanwhile(now, 'deployed')
      return { ...now, from, ...placed(now, anew, places) }
    }
    const pointer = begins ? await definitions.move(pipeline, moved) : there.pointer
    return { deployed, added: false, begins, pointer, live: true, fates: changed }
  }
  const stored = await definitions.add(pipeline, { definition, plan: plan.hash, release, by, at })
  const { version } = stored.deployed
  const first: Pointer = {
    ...{
      pipeline,
      state: 'running',
      version,
      previous: null,
      candidate: version,
      shadow: null,
      keep: [],
      ranges,
      from,
      ...places,
    },
  }
  if (there === undefined) {
    if (await definitions.place(first)) return { ...stored, begins: false, pointer: first, live: true, fates: changed }
    // another first deploy was faster: what this one asks for, it asks of a pipeline that is there
    const later = await deploy(on, options)
    return { ...later, added: stored.added || later.added }
  }
  // others deploy too, and the newest stays the candidate
  const newest = (now: Pointer): Pointer => ({ ...now, candidate: Math.max(now.candidate, version) })
  const pointer = await definitions.move(pipeline, newest)
  return { ...stored, begins: false, pointer, live: pointer.version === version, fates: changed }
}

/** Makes a version the one that runs; it goes on with the state of the one before. @throws DEPLOY_REFUSED */
export async function promote(
  on: Deploying,
  pipeline: string,
  options: { readonly version?: number | 'previous' | undefined; readonly state?: StateChoice },
): Promise<{ readonly from: number; readonly pointer: Pointer; readonly fates: readonly Fate[] }> {
  const { definitions, plans, log } = on
  const { pointer } = await definitions.require(pipeline)
  const version = options.version === 'previous' ? pointer.previous : (options.version ?? pointer.candidate)
  if (version === null)
    throw refusal(pipeline, 'promoted', [`nothing ran before version ${pointer.version}: there is none to go back to`])
  const [old, next] = [await plans.of(pipeline, pointer.version), await plans.of(pipeline, version)]
  const keep = options.state?.keep ?? []
  const changed = fates(old, next, keep)
  const heads = await headsOf(on, pointer)
  const hashes = new Set(version === pointer.version ? [] : heads.flatMap((head) => head?.plan ?? []))
  const committed = await Promise.all([...hashes].map((hash) => plans.byHash(pipeline, hash)))
  refuse(pipeline, 'promoted', [
    ...(version === pointer.version ? [`version ${version} runs already`] : []),
    ...rangeProblems(next, pointer.ranges, undefined, undefined),
    // a version that did not get to commit left the state of the one before
    ...stateProblems([old, ...committed], next, options.state),
  ])
  const places = await startAfter(pointer, heads, old, next, log)
  const { previous } = pointer
  const moved = await definitions.move(pipeline, (now) => {
    // the same version may run after another one
    if (now.version !== pointer.version || now.previous !== previous) throw promotedMeanwhile(now, 'promoted')
    return {
      ...now,
      version,
      previous: pointer.version,
      candidate: Math.max(now.candidate, version),
      shadow: null,
      keep: [...keep],
      ...placed(now, [], places),
    }
  })
  return { from: pointer.version, pointer: moved, fates: changed }
}

/** Lets the candidate run beside, from the newest whole state of each range. */
export async function shadow(
  on: Deploying,
  pipeline: string,
  version?: number,
  keep: readonly string[] = [],
): Promise<Pointer> {
  const { definitions, plans, log } = on
  const { pointer } = await definitions.require(pipeline)
  const wanted = version ?? pointer.candidate
  const [live, next] = [await plans.of(pipeline, pointer.version), await plans.of(pipeline, wanted)]
  refuse(pipeline, 'shadowed', [
    ...(wanted === pointer.version ? [`version ${wanted} is the one that runs`] : []),
    ...unkept([live], next, keep).map(cannotKeep),
  ])
  const after: Record<string, number> = {}
  const created: Record<string, string> = {}
  for (const range of rangesOf(pointer.ranges)) {
    const name = layout.stage(pipeline, range)
    const { created: mark } = await (await log.stream(name)).state()
    const head = await newestHead(log, name)
    // after a promotion the newest commit is of the version before, until the new one has committed
    if (head === undefined || head.plan !== live.hash)
      throw refusal(pipeline, 'shadowed', [
        `${name} has no commit of version ${pointer.version} yet: nothing to begin from`,
      ])
    after[name] = head.full
    created[name] = mark
  }
  return definitions.move(pipeline, (now) => {
    if (now.version !== pointer.version) throw promotedMeanwhile(now, 'shadowed')
    return { ...now, shadow: { version: wanted, after, created, keep: [...keep] } }
  })
}

/** Where the ranges of a pipeline stand. */
const headsOf = ({ log }: Deploying, { pipeline, ranges }: Pointer): Promise<readonly (CommitHead | undefined)[]> =>
  Promise.all(rangesOf(ranges).map((range) => newestHead(log, layout.stage(pipeline, range))))
const refusal = (pipeline: string, what: string, reasons: readonly string[]): TidegateError =>
  new TidegateError('DEPLOY_REFUSED', `${pipeline} was not ${what}:\n${reasons.map((r) => `- ${r}`).join('\n')}`, {
    pipeline,
    reasons,
  })
const promotedMeanwhile = ({ pipeline, version }: Pointer, what: string): TidegateError =>
  refusal(pipeline, what, [`version ${version} was promoted meanwhile`])
function refuse(pipeline: string, what: string, reasons: readonly string[]): void {
  if (reasons.length > 0) throw refusal(pipeline, what, reasons)
}
function rangeProblems(
  plan: Plan,
  ranges: number,
  there: HeldPointer | undefined,
  asked: number | undefined,
): readonly string[] {
  const whole = uncut(plan, ranges)
  return [
    ...(cutsEvenly(ranges) ? [] : [`expected 1, 2, 4, 8, 16, 32 or 64 ranges, found ${ranges}`]),
    ...(whole === undefined ? [] : [whole]),
    ...(there !== undefined && asked !== undefined && asked !== there.pointer.ranges
      ? [`${asked} ranges, but the pipeline was made with ${there.pointer.ranges}, and ranges are fixed`]
      : []),
  ]
}
const unkept = (olds: readonly Plan[], next: Plan, keep: readonly string[]): readonly string[] =>
  keep.filter((node) => olds.some((old) => !sameForm(old, next, node)))
const cannotKeep = (node: string): string =>
  `the state of "${node}" cannot be kept: its component, or the form of its state, changed`
/** `olds`: the plans whose state it may go on with. */
function stateProblems(
  olds: readonly Plan[],
  next: Plan,
  { drop = [], keep = [] }: StateChoice = {},
): readonly string[] {
  if (olds.length === 0)
    return [...keep.map((node) => [node, 'keep']), ...drop.map((node) => [node, 'drop'])].map(
      ([node, what]) => `nothing ran before: there is no state of "${node}" to ${what}`,
    )
  const changed = olds.flatMap((old) => fates(old, next, keep))
  const isLost = ({ fate }: Fate) => fate === 'fresh' || fate === 'dropped'
  const unkeepable = unkept(olds, next, keep)
  const idle = drop.filter((node) => !changed.some((fate) => fate.node === node && isLost(fate)))
  const goesOn = (node: string) => changed.some((fate) => fate.node === node && fate.fate === 'kept')
  const lost = changed.filter((fate) => fate.money && isLost(fate) && ![...drop, ...unkeepable].includes(fate.node))
  return [
    ...unkeepable.map(cannotKeep),
    ...idle.map((node) =>
      goesOn(node)
        ? `the state of "${node}" goes on: --drop-state ${node} would not drop it`
        : `there is no state of "${node}" to drop`,
    ),
    // several plans may say the same
    ...new Set(
      lost.map(({ node, why, fate }) => {
        const may = fate === 'fresh' ? `--keep-state ${node} goes on with it, ` : ''
        return `the state of "${node}" would be lost (${why}); ${may}--drop-state ${node} says that it may be lost`
      }),
    ),
  ]
}

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
