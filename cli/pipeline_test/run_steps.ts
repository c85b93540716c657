import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SourceItem } from '../../runtime/connect.ts'
import { Engine } from '../../runtime/engine.ts'
import { FirstFailure } from '../../runtime/failure.ts'
import { encodeItems } from '../../runtime/feed.ts'
import { toJson } from '../../runtime/json.ts'
import { openEmbeddedLog } from '../../runtime/log/embedded.ts'
import type { LogRecord } from '../../runtime/log/log.ts'
import { committed, outputId } from '../../runtime/outputs.ts'
import type { Plan, PlannedSource } from '../../runtime/plan.ts'
import { inputsName, Stage } from '../../runtime/stage.ts'
import { Snapshots } from '../../runtime/state/snapshot.ts'
import type { Watch } from '../../runtime/watch.ts'
import type { Gap } from '../../schemas/market.ts'
import type { PipelineTest, Step } from './form.ts'

/** One message on an edge. */
export interface Heard {
  readonly edge: string
  readonly key: string
  readonly at: number
  readonly value: unknown
}
export interface Ran {
  readonly messages: readonly Heard[]
  /** The committed outputs, as text that is equal when they are. */
  readonly outputs: readonly string[]
  readonly late: number
  /** Rows that were to be late and were not, or were not believed. */
  readonly odd: readonly { readonly where: string; readonly expected: string; readonly found: string }[]
}
const textOf = (id: string, kind: string, value: unknown): string => `${id} ${kind} ${toJson(value)}`

/** Runs the steps on an engine in memory. A crash saves its state, throws it away and restores it in a new one. */
export function runSteps(plan: Plan, { steps }: PipelineTest): Ran {
  const messages: Heard[] = []
  const outputs: string[] = []
  const odd: Ran['odd'][number][] = []
  const failures = new FirstFailure()
  const watch: Watch = {
    strict: true,
    failed: failures.failed,
    message: (edge, key, at, value) => messages.push({ edge, key, at, value }),
    output: (edge, kind) => (key, at, ordinal, value) =>
      outputs.push(textOf(outputId(plan.pipeline, edge, key, at, ordinal), kind.kind, value)),
  }
  let engine = new Engine(plan, watch)
  for (const { where, items, late, crash } of steps) {
    const before = { ...engine.counts }
    for (const { source, items: all } of items) for (const item of all) take(engine, source, item)
    failures.check()
    if (late > 0 && engine.counts.late - before.late !== late)
      odd.push({ where, expected: 'a late row', found: 'a row in time: the watermark has not passed it' })
    if (engine.counts.invalid > before.invalid)
      odd.push({ where, expected: 'a row with a likely time', found: 'a time more than a year ahead, or below 0' })
    if (crash) engine = restored(engine, plan, watch)
  }
  return { messages, outputs, late: engine.counts.late, odd }
}

function restored(engine: Engine, plan: Plan, watch: Watch): Engine {
  const bytes = new Snapshots(engine).save(true)
  const fresh = new Engine(plan, watch)
  new Snapshots(fresh).load(bytes, [...engine.network.keys])
  fresh.resume()
  return fresh
}

function take(engine: Engine, source: number, item: SourceItem): void {
  if (item.type === 'row') engine.row(source, item.key, item.at, item.value)
  else if (item.type === 'gap') engine.gap(source, item.key, item.at, item.value as Gap)
  else if (item.type === 'invalid' || item.type === 'event')
    engine.aside(source, item.type, item.key, item.at, item.value)
  else if (item.type === 'heartbeat') engine.heartbeat(source, item.key, item.at, { end: false })
  else if (item.type === 'end') engine.heartbeat(source, '*', item.at, { end: true })
}

export type Death = 'before_commit' | 'after_commit'
class Died extends Error {}

/**
 * Runs the steps through a log and a stage in a directory of its own, and dies at every one of them: before its commit,
 * so that it is done again, or after it. The outputs are what the log holds in the end.
 */
export async function runDying(plan: Plan, { steps }: PipelineTest, death: Death): Promise<readonly string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-test-'))
  try {
    const log = await openEmbeddedLog(folder, { fsync: 'close' })
    const outputs: string[] = []
    const open = (dying: boolean) =>
      Stage.open(
        plan,
        log,
        dying
          ? {
              probe: (point) => {
                if (point === death) throw new Died()
              },
            }
          : {},
      )
    for (const step of steps) {
      const frames = framesOf(plan, step)
      if (frames.length === 0) continue
      const first = await open(true)
      const inputs = await log.stream(inputsName(plan.pipeline))
      let { last } = await inputs.state()
      const records: LogRecord[] = []
      for (const data of frames) {
        last = await inputs.append(data, last)
        records.push({ seq: last, data })
      }
      await first.step(records).catch((error: unknown) => {
        if (!(error instanceof Died)) throw error
      })
      // who comes after finds the commit, or does the step
      const second = await open(false)
      if (second.position < last) await second.step(records)
    }
    const done = await open(false)
    for await (const row of committed(plan, done.stream)) outputs.push(textOf(row.id, row.kind, row.value))
    await log.close()
    return outputs
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
const framesOf = (plan: Plan, { items }: Step): readonly Uint8Array[] =>
  items.flatMap(({ source, items: all }) => encodeItems(plan.sources[source] as PlannedSource, all))
