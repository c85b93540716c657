import { createHash } from 'node:crypto'
import type { ReplayResult } from '../runtime/replay.ts'

/** The results of several ranges, or stretches of one, as one; a single one as it is. */
export function combined(results: readonly ReplayResult[]): ReplayResult {
  const [first, ...others] = results
  if (first === undefined) throw new RangeError('no range was replayed')
  if (others.length === 0) return first
  const sum = (pick: (result: ReplayResult) => number) => results.reduce((total, result) => total + pick(result), 0)
  const digest = (pick: (result: ReplayResult) => string) =>
    createHash('sha256').update(results.map(pick).join('\n')).digest('hex')
  return {
    records: sum((r) => r.records),
    rows: sum((r) => r.rows),
    dead: sum((r) => r.dead),
    outputs: sum((r) => r.outputs),
    commits: {
      from: Math.min(...results.map((r) => r.commits.from)),
      to: Math.max(...results.map((r) => r.commits.to)),
    },
    compared: sum((r) => r.compared),
    held: {
      first: Math.min(...results.map((r) => r.held.first)),
      last: Math.max(...results.map((r) => r.held.last)),
    },
    committed_sha256: digest((r) => r.committed_sha256),
    replay_sha256: digest((r) => r.replay_sha256),
    equal: results.every((r) => r.equal),
    first_difference: results.find((r) => r.first_difference !== null)?.first_difference ?? null,
  }
}

/** What was damaged is left out of a replay, as it was left out of the run. */
export const deadText = (dead: number): string =>
  dead === 0 ? '' : `${dead} damaged ${dead === 1 ? 'record was' : 'records were'} left out`

/** Which commits of the stages were passed over, each stage recomputed in stretches. */
export function passedText(stages: readonly (readonly ReplayResult[])[]): string {
  const passed = stages.reduce((total, stretches) => {
    const { first, last } = stretches[0]?.held ?? { first: 1, last: 0 }
    return total + stretches.reduce((left, { compared }) => left - compared, last - first + 1)
  }, 0)
  if (passed === 0) return ''
  return passed === 1
    ? '1 commit was not compared: it is of another version, took nothing, or its inputs were let go'
    : `${passed} commits were not compared: they are of other versions, took nothing, or their inputs were let go`
}
