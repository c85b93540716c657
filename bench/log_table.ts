import { type LogBench, logBench } from './log.ts'
import type { Bench } from './support.ts'

/** `log` for the front: the benchmark itself is in log.ts. */
export const log: Bench<LogBench> = {
  summary: 'appending to the embedded log against writing the same blocks to a bare file',
  run: async (progress) => {
    progress('log: about ten seconds')
    return logBench()
  },
  table: ({ rates }) => [
    ['block bytes', 'raw MB/s', 'append MB/s', 'ratio', 'low', 'high'],
    ...rates.map((r) => [
      r.block_bytes,
      Math.round(r.raw_bytes_per_second / 1e6),
      Math.round(r.append_bytes_per_second / 1e6),
      r.ratio,
      r.ratio_low,
      r.ratio_high,
    ]),
  ],
}
