import { Worker } from 'node:worker_threads'
import { type ErrorCode, TidegateError } from '../../schemas/errors.ts'
import type { FramesBySource } from './shared_frames.ts'

/** What each worker is given. The counters lie in shared memory, and so do the columns of the frames. */
export interface SweepJob<D> {
  readonly count: number
  /** The next variant nobody has taken. */
  readonly next: Int32Array
  /** Rows run so far, by all workers together. */
  readonly rows: BigInt64Array
  readonly frames: FramesBySource
  /** What the entry of the workers needs to make a variant. */
  readonly data: D
}
export type SweepReport<R> =
  | { readonly type: 'done'; readonly index: number; readonly result: R }
  | { readonly type: 'failed'; readonly index: number; readonly error: SentError }
/** An error as it goes from thread to thread; one of ours has a code. */
export interface SentError {
  readonly code?: ErrorCode
  readonly message: string
  readonly info?: Readonly<Record<string, unknown>>
}

export interface SweepOptions<D> {
  readonly count: number
  readonly workers: number
  readonly frames: FramesBySource
  readonly data: D
  /** The module a worker starts with: it hands `takeVariants` what runs one. */
  readonly entry: URL
  /** The name of a variant, for people. */
  readonly name: (index: number) => string
  readonly signal?: AbortSignal
  readonly progress?: (variants: number, rows: number) => void
}

const PROGRESS_MS = 100

/**
 * Runs variants 0 to `count` on worker threads, each taking the next one left. Results are in the order of the variants,
 * whoever ran them. An abort ends the workers and gives what is done.
 * @throws what the first variant that failed threw, with its name; the workers are ended then
 */
export async function sweep<D, R>(options: SweepOptions<D>): Promise<readonly (R | undefined)[]> {
  const { count, frames, data, signal } = options
  const next = new Int32Array(new SharedArrayBuffer(4))
  const rows = new BigInt64Array(new SharedArrayBuffer(8))
  const job: SweepJob<D> = { count, next, rows, frames, data }
  const results: (R | undefined)[] = Array.from({ length: count })
  let done = 0
  const threads: Worker[] = []
  const end = async () => {
    Atomics.store(next, 0, count)
    await Promise.all(threads.map(async (thread) => thread.terminate()))
  }
  const started = (): Promise<void> => {
    // flags of this process, such as those of a test runner, are not for the entry
    const thread = new Worker(options.entry, { workerData: job, execArgv: [] })
    threads.push(thread)
    return new Promise((resolve, reject) => {
      thread.on('message', (report: SweepReport<R>) => {
        if (report.type === 'failed') return reject(received(report.error, options.name(report.index)))
        results[report.index] = report.result
        done++
      })
      thread.once('error', reject)
      thread.once('exit', (code) =>
        code === 0 || signal?.aborted ? resolve() : reject(new Error(`a worker ended with ${code}`)),
      )
    })
  }
  const interrupt = () => void end()
  signal?.addEventListener('abort', interrupt, { once: true })
  const drawing = setInterval(() => options.progress?.(done, Number(Atomics.load(rows, 0))), PROGRESS_MS)
  try {
    await Promise.all(Array.from({ length: Math.min(options.workers, count) }, started))
    return results
  } finally {
    clearInterval(drawing)
    signal?.removeEventListener('abort', interrupt)
    await end()
  }
}

const received = ({ code, message, info }: SentError, name: string): Error =>
  code === undefined
    ? new Error(`variant ${name}: ${message}`)
    : new TidegateError(code, `variant ${name}: ${message}`, info)
