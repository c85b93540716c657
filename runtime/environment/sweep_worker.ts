import { parentPort, workerData } from 'node:worker_threads'
import { isTidegateError } from '../../schemas/errors.ts'
import type { Binding } from '../feed.ts'
import type { SentError, SweepJob, SweepReport } from './sweep.ts'

/** What runs a variant: its number, the rows, and whom to tell how many rows are run. */
export type RunVariant<R> = (
  index: number,
  bindings: ReadonlyMap<string, Binding>,
  progress: (rows: number) => void,
) => Promise<R>

/** In a worker of a sweep: takes variants one after another until none is left. */
export async function takeVariants<D, R>(prepare: (data: D) => Promise<RunVariant<R>>): Promise<void> {
  const { count, next, rows, frames, data } = workerData as SweepJob<D>
  const tell = (report: SweepReport<R>) => parentPort?.postMessage(report)
  const bindings = new Map<string, Binding>([...frames].map(([id, of]) => [id, { type: 'frames', frames: of }]))
  const run = await prepare(data)
  for (let index = Atomics.add(next, 0, 1); index < count; index = Atomics.add(next, 0, 1)) {
    let before = 0
    try {
      const result = await run(index, bindings, (now) => {
        Atomics.add(rows, 0, BigInt(now - before))
        before = now
      })
      tell({ type: 'done', index, result })
    } catch (error) {
      tell({ type: 'failed', index, error: sent(error) })
      return
    }
  }
}

function sent(error: unknown): SentError {
  if (isTidegateError(error)) return { code: error.code, message: error.message, info: error.info }
  return { message: error instanceof Error ? (error.stack ?? error.message) : String(error) }
}
