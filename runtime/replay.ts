import { TidegateError } from '../schemas/errors.ts'
import { decodeFrame } from '../schemas/frame.ts'
import { decodeCommit } from './commit.ts'
import type { Committed } from './connect.ts'
import { type ExecutionName, openEngine } from './engine.ts'
import { toJson } from './json.ts'
import type { Log, LogStream } from './log/log.ts'
import { OutputHash } from './output_hash.ts'
import { committedRows, hashing } from './outputs.ts'
import { kindsOf, type Plan } from './plan.ts'
import { inputsName, stageName } from './stage.ts'

/** The first output that was committed differently from what recomputing gives. */
export interface Difference {
  readonly node: string
  readonly key: string
  readonly at: number
  readonly expected: string
  readonly found: string
}
export interface ReplayResult {
  /** Input records and rows that were run again. */
  readonly records: number
  readonly rows: number
  readonly outputs: number
  /** Of what was committed. */
  readonly committed_sha256: string
  /** Of what recomputing gave for the same inputs. */
  readonly replay_sha256: string
  readonly equal: boolean
  readonly first_difference: Difference | null
}
export interface ReplayOptions {
  readonly execution?: ExecutionName | undefined
  /** Every output that is recomputed, and the input record it came of. */
  readonly output?: (row: Committed, input: number) => void
  readonly progress?: (rows: number, at: number) => void
}

/**
 * Recomputes a pipeline's outputs from its input log, from the first record on, and compares them with what was
 * committed, row by row. Only inputs that are committed are taken.
 */
export async function replay(plan: Plan, log: Log, options: ReplayOptions = {}): Promise<ReplayResult> {
  const inputs = await log.stream(inputsName(plan.pipeline))
  const stage = await log.stream(stageName(plan.pipeline))
  const [again, before] = [new OutputHash(plan), new OutputHash(plan)]
  const made: Committed[] = []
  let record = 0
  const output = hashing(plan, again, (row) => {
    made.push(row)
    options.output?.(row, record)
  })
  const engine = await openEngine(plan, { output }, { execution: options.execution })
  const known = kindsOf(plan)
  const { created } = await inputs.state()
  let difference: Difference | null = null
  const { last } = await stage.state()
  const taking = records(inputs)
  if (last > 0)
    for await (const { seq, data } of stage.read(1)) {
      const { head, outputs } = decodeCommit(data, seq)
      if (head.inputs.created !== created)
        throw new TidegateError('LOG_LOST', `${head.inputs.stream} was made anew since commit ${seq}`, {
          expected: head.inputs.created,
          found: created,
        })
      while (record < head.inputs.to) {
        const next = await taking.next()
        if (next.done)
          throw new TidegateError(
            'LOG_LOST',
            `commit ${seq} took inputs up to ${head.inputs.to}, but ${inputs.name} ends at ${record}`,
            { committed: head.inputs.to, found: record },
          )
        record = next.value.seq
        const frame = decodeFrame(next.value.data, known)
        engine.frame(frame)
        if (engine.waiting !== undefined) await engine.waiting
        options.progress?.(engine.counts.rows, frame.last)
      }
      const rows = committedRows(plan, seq, outputs)
      for (const row of rows) before.row(row)
      difference ??= compare(rows, made)
      made.length = 0
    }
  await taking.return(undefined)
  engine.close()
  const [committed_sha256, replay_sha256] = [before.digest(), again.digest()]
  return {
    records: record,
    rows: engine.counts.rows,
    outputs: again.rows,
    committed_sha256,
    replay_sha256,
    equal: committed_sha256 === replay_sha256,
    first_difference: difference,
  }
}

async function* records(stream: LogStream) {
  const { last } = await stream.state()
  if (last > 0) yield* stream.read(1)
}

const shown = (row: Committed | undefined): string => (row === undefined ? 'nothing' : `${row.id} ${toJson(row.value)}`)
function compare(committed: readonly Committed[], made: readonly Committed[]): Difference | null {
  for (let i = 0; i < Math.max(committed.length, made.length); i++) {
    const [was, is] = [committed[i], made[i]]
    const [expected, found] = [shown(was), shown(is)]
    const row = was ?? is
    if (expected !== found && row !== undefined) return { node: row.edge, key: row.key, at: row.at, expected, found }
  }
  return null
}
