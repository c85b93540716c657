import { existsSync } from 'node:fs'
import { rangesOf } from '../runtime/cluster/feed_name.ts'
import { savepointOf } from '../runtime/cluster/savepoints.ts'
import { inputsOf } from '../runtime/cluster/stage_task.ts'
import { openEmbeddedLog } from '../runtime/log/embedded.ts'
import { layout } from '../runtime/log/layout.ts'
import type { Log } from '../runtime/log/log.ts'
import { type Plan, plan as planOf } from '../runtime/plan.ts'
import type { ReplayOptions } from '../runtime/replay.ts'
import { TidegateError } from '../schemas/errors.ts'
import { natsOptions, openCluster } from './cluster.ts'
import { folderOf, loadDefinition } from './definition.ts'
import { onJetStream } from './log_option.ts'
import { RunDirectory } from './run_directory.ts'
import type { Args, Context } from './verb.ts'

/** What may be recomputed: the stages of a run, each with the options that lead a replay to it. */
export interface StoredRun {
  readonly plan: Plan
  readonly log: Log
  /** The plan that committed. */
  readonly made: string
  readonly where: string
  readonly stages: readonly ReplayOptions[]
  close(): Promise<void>
}

export const isFile = (name: string): boolean => /\.(ya?ml|json|[cm]?[jt]s)$/.test(name)

/**
 * A run that was made, by the name of its pipeline or by a definition file: of a directory, or on a server what is deployed
 * there, or what `run --log jetstream` keeps there.
 */
export async function storedRun(args: Args, context: Context): Promise<StoredRun> {
  if (!isFile(args.positionals[0] ?? '') && args.values['set'] !== undefined)
    throw new TidegateError('USAGE', '--set: expected with a definition file, for a run has its params')
  if (!onJetStream(args) && args.value('savepoint') !== undefined)
    throw new TidegateError('USAGE', '--savepoint: expected with --log jetstream')
  return onJetStream(args) ? serverRun(args, context) : ownRun(args, context)
}

interface Kept {
  readonly plan: Plan
  readonly made: string
  readonly directory: RunDirectory
}
/** What the directory of a run says of it. */
async function keptRun(args: Args, { catalogue }: Context): Promise<Kept> {
  const [name = ''] = args.positionals
  const file = isFile(name)
  const given = file ? await loadDefinition(name, args) : undefined
  const pipeline = given === undefined ? name : String((given as { pipeline?: unknown }).pipeline)
  const directory = RunDirectory.of(pipeline, args.value('dir'), args.flags.has('live') ? 'live' : 'paper')
  const kept = directory.kept()
  const near = existsSync(kept.near) ? kept.near : '.'
  const plan = planOf(given ?? kept.definition, await catalogue(file ? folderOf(name) : near), kept.mode)
  if (plan.pipeline !== pipeline)
    throw new TidegateError('PLAN_MISMATCH', `${directory.path} holds ${plan.pipeline}, not ${pipeline}`, {
      expected: pipeline,
      found: plan.pipeline,
    })
  return { plan, made: kept.plan, directory }
}
async function ownRun(args: Args, context: Context): Promise<StoredRun> {
  const { plan, made, directory } = await keptRun(args, context)
  const log = await openEmbeddedLog(directory.log, { readonly: true })
  for (const notice of log.notices) context.io.say(notice)
  return { plan, log, made, where: directory.path, stages: [{}], close: () => log.close() }
}

/** With a file the ranges are recomputed by its plan, from the state of the plan that runs, or ran at the savepoint. */
async function serverRun(args: Args, context: Context): Promise<StoredRun> {
  const [name = ''] = args.positionals
  const cluster = await openCluster(args, context, 'replay')
  const { log } = cluster
  const about = {
    where: `${cluster.link.nc.getServer()}, namespace ${cluster.namespace}`,
    close: () => cluster.close(),
  }
  try {
    // a run of somebody's own has its streams on the server, and its definition in its directory
    if (
      !isFile(name) &&
      args.value('savepoint') === undefined &&
      (await cluster.definitions.pointer(name)) === undefined
    ) {
      const own = await keptRun(args, context).catch(() => undefined)
      if (own !== undefined && (await log.open(layout.run(own.plan.pipeline))) !== undefined)
        return { ...about, plan: own.plan, made: own.made, log, stages: [{}] }
    }
    const given = isFile(name)
      ? planOf(await loadDefinition(name, args), await context.catalogue(folderOf(name)), 'paper')
      : undefined
    const pipeline = given?.pipeline ?? name
    const { pointer } = await cluster.definitions.require(pipeline)
    const named = args.value('savepoint')
    const savepoint = named === undefined ? undefined : await savepointOf(cluster, pipeline, named)
    const made = await cluster.plans.of(pipeline, savepoint?.version ?? pointer.version)
    const stages = rangesOf(pointer.ranges).map(async (range): Promise<ReplayOptions> => {
      const stage = layout.stage(pipeline, range)
      const after = savepoint?.commits[stage]
      return {
        inputs: await inputsOf(made, pointer, range, log),
        name: stage,
        committedBy: made,
        ...(after !== undefined && { after }),
      }
    })
    return {
      ...{ plan: given ?? made, log, made: made.hash, stages: await Promise.all(stages) },
      ...about,
    }
  } catch (error) {
    await cluster.close()
    throw error
  }
}
/** Which run is meant. */
export const storedRunOptions = {
  dir: { type: 'string', value: 'DIR', help: 'the run directory; .tidegate/PIPELINE unless named' },
  live: { type: 'boolean', help: 'the live run, in .tidegate/PIPELINE.live' },
  log: { type: 'string', value: 'embedded|jetstream', help: 'a run directory, or what is deployed on a NATS server' },
  ...natsOptions,
} as const
/** Where to begin in it. */
export const savepointOption = {
  type: 'string',
  value: 'NAME',
  help: 'on a server: begin with the state of a savepoint',
} as const
