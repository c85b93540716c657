import { isDeepStrictEqual } from 'node:util'
import type { CommitHead } from '../commit.ts'
import { layout, type Range } from '../log/layout.ts'
import type { Log } from '../log/log.ts'
import type { Plan } from '../plan.ts'
import type { Pointer } from './definitions.ts'
import { rangesOf, tickStreams } from './feed_name.ts'
import { holds, type Start, startAt } from './start.ts'

/** Places in tick streams, by name, and what marks the streams as those very ones. */
interface Places {
  readonly start: Record<string, number>
  readonly created: Record<string, string>
}

/** Where a stage begins in each of these streams; those it begins with the oldest record of are left out. */
export async function startOf(streams: readonly string[], log: Log, start: Start): Promise<Places> {
  const all: Places = { start: {}, created: {} }
  for (const name of streams) {
    const stream = await log.stream(name)
    // what is there goes on being let go until a worker comes
    if (start.type === 'all') continue
    all.created[name] = (await stream.state()).created
    all.start[name] = await startAt(stream, start)
  }
  return all
}

/** The places of a pipeline, those of some streams given anew. */
export function placed(
  { start, created = {} }: Pick<Pointer, 'start' | 'created'>,
  streams: readonly string[],
  places: Places,
): Places {
  const others = <T>(all: Readonly<Record<string, T>>): Record<string, T> =>
    Object.fromEntries(Object.entries(all).filter(([name]) => !streams.includes(name)))
  return {
    start: { ...others(start), ...places.start },
    created: { ...others(created), ...places.created },
  }
}

export const ticksOf = (plan: Plan, ranges: readonly Range[]): readonly string[] =>
  ranges.flatMap((range) => tickStreams(plan, range).map(({ name }) => name))

/**
 * The tick streams whose place to begin may move: those of ranges that committed nothing. Where the same was said before,
 * only those that do not hold it any more.
 */
export async function toBegin(plan: Plan, pointer: Pointer, log: Log, asked: Start): Promise<readonly string[]> {
  const { pipeline, ranges, start, created } = pointer
  const unbegun: string[] = []
  for (const range of rangesOf(ranges)) {
    const { last } = await (await log.stream(layout.stage(pipeline, range))).state()
    if (last === 0) unbegun.push(...ticksOf(plan, [range]))
  }
  if (!isDeepStrictEqual(pointer.from, asked)) return unbegun
  const held = await Promise.all(
    unbegun.map(async (name) => holds(await log.stream(name), start[name], created?.[name])),
  )
  return unbegun.filter((_, i) => !held[i])
}

/** Where streams begin that are not taken now: after what is there, whether they are new or were left out meanwhile. */
export async function startAfter(
  { ranges, start }: Pointer,
  heads: readonly (CommitHead | undefined)[],
  old: Plan,
  next: Plan,
  log: Log,
): Promise<Places> {
  const anew: string[] = []
  for (const [r, range] of rangesOf(ranges).entries()) {
    const head = heads[r]
    const read = new Set(tickStreams(old, range).map(({ name }) => name))
    for (const { name } of tickStreams(next, range)) {
      const goesOn =
        head === undefined
          ? read.has(name) || start[name] !== undefined
          : read.has(name) && head.inputs.some(({ stream }) => stream === name)
      if (!goesOn) anew.push(name)
    }
  }
  return startOf(anew, log, { type: 'now' })
}
