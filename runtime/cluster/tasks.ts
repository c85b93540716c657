import { createHash } from 'node:crypto'
import { formatTime } from '../../schemas/units.ts'
import { type CommitHead, decodeCommit } from '../commit.ts'
import { pause } from '../log/jetstream/patience.ts'
import { layout, type Range, suffix } from '../log/layout.ts'
import type { Log } from '../log/log.ts'
import type { PlannedSource } from '../plan.ts'
import { type Difference, replay } from '../replay.ts'
import type { Pointer } from './definitions.ts'
import type { Events } from './events.ts'
import { runFeed } from './feed.ts'
import { feedName, rangesOf } from './feed_name.ts'
import type { Plans } from './plans.ts'
import { project } from './projector.ts'
import { checkSame } from './same_stream.ts'
import { inputsOf, runStage } from './stage_task.ts'
import type { WorkerOptions } from './worker.ts'

export interface TaskContext extends WorkerOptions {
  readonly replicas: number
  readonly plans: Plans
  readonly events: Events
}
/** A piece of work that one worker at a time does. */
export interface Task {
  readonly key: string
  /** Changes when the task must be begun anew. */
  readonly shape: string
  run(context: TaskContext, signal: AbortSignal): Promise<void>
}

const shapeOf = (...facts: readonly unknown[]): string =>
  createHash('sha256').update(JSON.stringify(facts)).digest('hex').slice(0, 16)

/** What there is to do for a pipeline. */
export async function tasksOf(pointer: Pointer, plans: Plans, audit: boolean): Promise<readonly Task[]> {
  const { pipeline, state, version, ranges, shadow } = pointer
  const plan = await plans.of(pipeline, version)
  const tasks: Task[] = [projecting(pointer)]
  if (state !== 'drained')
    for (const source of plan.sources)
      if (source.component.open !== undefined || source.component.generate !== undefined)
        tasks.push(feeding(source, ranges))
  if (state === 'running' || state === 'draining')
    for (const range of rangesOf(ranges)) tasks.push(staging(pointer, range))
  for (const range of rangesOf(ranges)) {
    if (audit) tasks.push(following('audit', pointer, range, version, undefined))
    if (shadow !== null)
      tasks.push(following('shadow', pointer, range, shadow.version, shadow.after[layout.stage(pipeline, range)]))
  }
  return tasks
}

function feeding(source: PlannedSource, ranges: number): Task {
  const name = feedName(source)
  return {
    key: `feed.${name}${ranges === 1 ? '' : `.${ranges}`}`,
    shape: '',
    async run({ link, log, namespace, replicas, clock, random, endpoint, notice }, signal) {
      const own = { notice: (text: string) => notice(`${name}: ${text}`) }
      const said = await runFeed(
        { link, log, namespace, replicas, source, ranges, clock, random, endpoint, ...own },
        signal,
      )
      if (said.ended) own.notice(`the source ended after ${said.rows} rows, and nothing more comes`)
    },
  }
}

function staging(pointer: Pointer, range: Range): Task {
  const { pipeline, version, state, until, start } = pointer
  return {
    key: `stage.${pipeline}${suffix(range)}`,
    shape: shapeOf(version, state, until, start),
    async run({ plans, log, name, execution, failed, probe, events }, signal) {
      const plan = await plans.of(pipeline, version)
      const upgrade = (hash: string) => plans.byHash(pipeline, hash)
      await runStage(
        {
          ...{ plan, pointer, range, log, owner: name, upgrade, execution, probe },
          failed: (failure) => {
            failed?.(failure)
            const { cause, ...facts } = failure
            events.tell(pipeline, 'operator_failed', { ...facts, reason: String(cause) })
          },
        },
        signal,
      )
    },
  }
}

function projecting({ pipeline, ranges }: Pointer): Task {
  return {
    key: `signals.${pipeline}`,
    shape: '',
    run: ({ link, log, namespace, replicas, plans, events, notice }, signal) =>
      project(
        {
          ...{ link, log, namespace, replicas, pipeline, ranges, events },
          planOf: (hash) => plans.byHash(pipeline, hash),
          missing(gone) {
            events.tell(pipeline, 'signals_uncertain', gone)
            notice(
              `signals of ${pipeline}: commits ${gone.from} to ${gone.to} of ${gone.stream} were let go, and nothing tells whether all they said was published before`,
            )
          },
        },
        signal,
      ),
  }
}

/**
 * Recomputes commits as they come, until another plan goes on. Audit: with the version that commits. Shadow: with another
 * one, which tells where it would differ.
 */
function following(
  what: 'audit' | 'shadow',
  pointer: Pointer,
  range: Range,
  version: number,
  after: number | undefined,
): Task {
  const { pipeline } = pointer
  return {
    key: `${what}.${pipeline}${suffix(range)}`,
    shape: shapeOf(version, pointer.version, after, pointer.shadow?.created, pointer.shadow?.keep),
    async run({ plans, log, execution, events, notice }, signal) {
      const [plan, live] = [await plans.of(pipeline, version), await plans.of(pipeline, pointer.version)]
      const stage = layout.stage(pipeline, range)
      if (what === 'shadow')
        await checkSame(
          await log.stream(stage),
          pointer.shadow?.created,
          `the shadow began: \`tidegate shadow ${pipeline}\` begins it anew`,
        )
      const told = new Set<string>()
      const different = (difference: Difference, commit: number) => {
        // the first of each node: what comes after it follows from it
        if (told.has(difference.node)) return
        told.add(difference.node)
        events.tell(pipeline, `${what}_different`, {
          ...difference,
          commit,
          version,
          range: stage,
        })
        notice(`${what} of ${pipeline}: ${difference.node} ${difference.key} differs at ${formatTime(difference.at)}`)
      }
      // after a promotion: until the new owner has committed
      while (!signal.aborted && ((await newestHead(log, stage))?.plan ?? live.hash) !== live.hash)
        await pause(200, signal)
      const begin = after ?? (await newestHead(log, stage))?.full
      await replay(plan, log, {
        inputs: await inputsOf(live, pointer, range, log),
        name: stage,
        ...(begin !== undefined && { after: begin }),
        execution,
        committedBy: live,
        keep: what === 'shadow' ? (pointer.shadow?.keep ?? []) : [],
        follow: signal,
        different,
      })
    },
  }
}

/** What the newest commit says; undefined before the first. */
export async function newestHead(log: Log, stage: string): Promise<CommitHead | undefined> {
  const newest = await (await log.stream(stage)).last()
  return newest && decodeCommit(newest.data, newest.seq).head
}
