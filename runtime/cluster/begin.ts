import { isDeepStrictEqual } from 'node:util'
import type { CommitHead } from '../commit.ts'
import { layout, type Range } from '../log/layout.ts'
import type { Log } from '../log/log.ts'
import type { Plan } from '../plan.ts'
import type { Pointer } from './definitions.ts'
import { rangesOf, tickStreams } from './feed_name.ts'
import { holds, type Start, startAt } from './start.ts'

/** Where a stage begins in each of these streams; those it begins with the oldest record of are left out. */
export async function startOf(streams: readonly string[], log: Log, start: Start): Promise<Record<string, number>> {
  const all: Record<string, number> = {}
  for (const name of streams) {
    const stream = await log.stream(name)
    // what is there goes on being let go until a worker comes
    if (start.type !== 'all') all[name] = await startAt(stream, start)
  }
  return all
}

export const ticksOf = (plan: Plan, ranges: readonly Range[]): readonly string[] =>
  ranges.flatMap((range) => tickStreams(plan, range).map(({ name }) => name))

/**
 * The tick streams whose place to begin may move: those of ranges that committed nothing. Where the same was said before,
 * only those that do not hold it any more.
 */
export async function toBegin(plan: Plan, pointer: Pointer, log: Log, asked: Start): Promise<readonly string[]> {
  const { pipeline, ranges, start } = pointer
  const unbegun: string[] = []
  for (const range of rangesOf(ranges)) {
    const { last } = await (await log.stream(layout.stage(pipeline, range))).state()
    if (last === 0) unbegun.push(...ticksOf(plan, [range]))
  }
  if (!isDeepStrictEqual(pointer.from, asked)) return unbegun
  const held = await Promise.all(unbegun.map(async (name) => holds(await log.stream(name), start[name])))
  return unbegun.filter((_, i) => !held[i])
}

/** Where streams begin that are not taken now: after what is there, whether they are new or were left out meanwhile. */
export async function startAfter(
  { ranges, start }: Pointer,
  heads: readonly (CommitHead | undefined)[],
  old: Plan,
  next: Plan,
  log: Log,
): Promise<Record<string, number>> {
  const all: Record<string, number> = {}
  for (const [r, range] of rangesOf(ranges).entries()) {
    const head = heads[r]
    const read = new Set(tickStreams(old, range).map(({ name }) => name))
    for (const { name } of tickStreams(next, range)) {
      const goesOn =
        head === undefined
          ? read.has(name) || start[name] !== undefined
          : read.has(name) && head.inputs.some(({ stream }) => stream === name)
      if (!goesOn) all[name] = await startAt(await log.stream(name), { type: 'now' })
    }
  }
  return all
}
