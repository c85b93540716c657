import { parentPort, workerData } from 'node:worker_threads'
import { simulate } from './simulate.ts'

/** What a thread of the simulation is given: it takes stretches of seeds until none is left. */
export interface Share {
  readonly histories: number
  readonly seed: number
  readonly stretch: number
  /** Histories that were taken, by all threads together. */
  readonly taken: Int32Array
}

const { histories, seed, stretch, taken } = workerData as Share
for (let from = Atomics.add(taken, 0, stretch); from < histories; from = Atomics.add(taken, 0, stretch))
  parentPort?.postMessage(await simulate({ histories: Math.min(stretch, histories - from), seed: seed + from }))
