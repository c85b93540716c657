import { TidegateError } from '../schemas/errors.ts'
import { type CommitHead, decodeCommit } from './commit.ts'
import { type Engine, openEngine } from './engine.ts'
import type { LogStream } from './log/log.ts'
import type { Plan } from './plan.ts'
import { carry } from './state/carry.ts'
import { Snapshots } from './state/snapshot.ts'

/** A state as a stage stream keeps it: a whole one and the deltas after it. */
export interface Restored {
  readonly head: CommitHead
  readonly last: number
  readonly states: readonly { readonly state: Uint8Array; readonly keys: readonly string[] }[]
  readonly keys: readonly string[]
}

/**
 * The state after a commit, the newest unless named; undefined where nothing was committed yet.
 * @throws LOG_LOST when the commits it stands on are gone
 */
export async function restore(stream: LogStream, at?: number): Promise<Restored | undefined> {
  const held = await stream.state()
  const newest = at === undefined ? await stream.last() : await only(stream, at)
  if (newest === undefined) {
    if (held.last === 0) return undefined
    throw new TidegateError('LOG_LOST', `${stream.name} had ${held.last} commits, and holds none of them`, { ...held })
  }
  const { head } = decodeCommit(newest.data, newest.seq)
  let keys: readonly string[] = []
  const states: { state: Uint8Array; keys: readonly string[] }[] = []
  for await (const record of stream.read(head.full, { limit: newest.seq - head.full + 1 })) {
    const commit = decodeCommit(record.data, record.seq)
    if (commit.head.keys !== undefined) keys = [...keys, ...commit.head.keys]
    states.push({ state: commit.state, keys })
  }
  // a server that is behind the one that told of the newest commit gives fewer
  const due = newest.seq - head.full + 1
  if (states.length < due)
    throw new TidegateError(
      'LOG_LOST',
      `${stream.name}: the state of commit ${newest.seq} stands on ${due} commits, of which ${states.length} were given`,
      { expected: due, found: states.length },
    )
  return { head, last: newest.seq, states, keys }
}
/** Brings an engine to a state that an earlier plan left. */
export async function takeOver(
  engine: Engine,
  old: Plan,
  { states }: Restored,
  keep: readonly string[] = [],
): Promise<void> {
  const from = await openEngine(old, {}, { execution: 'interpret' })
  try {
    const snapshots = new Snapshots(from)
    for (const { state, keys } of states) snapshots.load(state, keys)
    from.resume()
    carry(from, engine, keep)
  } finally {
    from.close()
  }
}
/**
 * Says what became of inputs since they were taken.
 * @throws LOG_LOST
 */
export function checkTaken(
  { stream, created, to }: CommitHead['inputs'][number],
  commit: number,
  held: { readonly first: number; readonly last: number; readonly created: string },
): void {
  if (created !== held.created)
    throw new TidegateError('LOG_LOST', `${stream} was made anew since commit ${commit}`, {
      expected: created,
      found: held.created,
    })
  if (to > held.last || to + 1 < held.first)
    throw new TidegateError(
      'LOG_LOST',
      `commit ${commit} took inputs up to ${to}, but ${stream} holds ${held.first} to ${held.last}`,
      { committed: to, first: held.first, last: held.last },
    )
}

async function only(stream: LogStream, seq: number) {
  for await (const record of stream.read(seq, { limit: 1 })) return record
  return undefined
}
