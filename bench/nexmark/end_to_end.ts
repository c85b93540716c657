import { TAKEN_BYTES } from '../../runtime/cluster/mailbox.ts'
import { FIRST_STEP, nextStep } from '../../runtime/cluster/stage_task.ts'
import type { Log, LogRecord, LogStream } from '../../runtime/log/log.ts'
import type { Plan } from '../../runtime/plan.ts'
import { Stage } from '../../runtime/stage.ts'
import { peekFrame } from '../../schemas/frame.ts'
import { type Spent, stopwatch } from './stopwatch.ts'

export interface EndToEnd extends Spent {
  readonly events: number
  /** Of the whole stream. */
  readonly answers: number
  readonly commits: number
  readonly commit_bytes: number
}

export interface Pass {
  /** Records that do not count, and what to do after them. */
  readonly warm: number
  readonly warmed?: () => Promise<void>
  /** Commits are sent, unless told otherwise; else they are made and thrown away: what that saves is what committing costs. */
  readonly committing?: boolean
}

/** Takes a stored stream through a stage. */
export async function endToEnd(
  plan: Plan,
  log: Log,
  input: LogStream,
  stage_name: string,
  { warm, warmed, committing = true }: Pass,
): Promise<EndToEnd> {
  const count = { commits: 0, bytes: 0 }
  const metered: Log = {
    ...log,
    async stream(name) {
      const stream = await log.stream(name)
      const append: LogStream['append'] = async (data, expectedLast) => {
        count.commits++
        count.bytes += data.byteLength
        return committing ? stream.append(data, expectedLast) : expectedLast + 1
      }
      return Object.assign(Object.create(stream) as LogStream, { append })
    },
  }
  const stage = await Stage.open(plan, metered, { inputs: [{ stream: input }], name: stage_name })
  let elapsed = stopwatch()
  let rows = 0
  let answers = 0
  let batch: LogRecord[] = []
  let bytes = 0
  let [read, most, counting] = [0, FIRST_STEP, false]
  const step = async () => {
    for (const frame of await stage.push(batch)) answers += peekFrame(frame).rows
    const taken = batch.length
    read += taken
    batch = []
    bytes = 0
    most = nextStep(taken, stage.commitBytes)
    if (counting || read < warm) return
    counting = true
    await stage.settle()
    await warmed?.()
    Object.assign(count, { commits: 0, bytes: 0 })
    rows = stage.engine.counts.rows
    elapsed = stopwatch()
  }
  for await (const record of input.read(1)) {
    batch.push(record)
    bytes += record.data.byteLength
    if (batch.length >= most || bytes >= TAKEN_BYTES) await step()
  }
  if (batch.length > 0) await step()
  await stage.settle()
  const spent = elapsed()
  const { late, invalid, failed } = stage.engine.counts
  if (late + invalid + failed > 0) throw new Error(`${late} rows were late, ${invalid} invalid, ${failed} failed`)
  stage.close()
  return {
    ...spent,
    events: stage.engine.counts.rows - rows,
    answers,
    commits: count.commits,
    commit_bytes: count.bytes,
  }
}
