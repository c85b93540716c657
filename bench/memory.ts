import type { Peak } from './memory/measure.ts'
import { type Bench, inProcess, machine, node, rounded } from './support.ts'

const PASSES = 5

export interface MemoryBench {
  readonly bench: 'memory'
  readonly machine: ReturnType<typeof machine>
  readonly node: string
  readonly once: Peak
  readonly tenfold: Peak
  /** Peak of the long run over peak of the short one: 1 when memory does not grow with the tape. */
  readonly ratio: number
}

/** Backtests over a tape of one length and of ten times that length. */
export const memory: Bench<MemoryBench> = {
  summary: 'memory of a backtest over a tape, and over one ten times as long',
  async run(progress) {
    const measure = (passes: number) => {
      progress(`memory: ${passes / 10} million ticks`)
      return inProcess<Peak>('memory/measure', [passes], ['--expose-gc'])
    }
    const once = measure(PASSES)
    const tenfold = measure(PASSES * 10)
    return { bench: 'memory', machine: machine(), node, once, tenfold, ratio: rounded(tenfold.peak / once.peak) }
  },
  table: ({ once, tenfold, ratio }) => [
    ['ticks', 'peak after gc, MB', 'half way, MB', 'max rss, MB', 'ratio of peaks'],
    ...[once, tenfold].map(({ ticks, peak, half_way, max_rss }, i) => [
      ticks,
      rounded(peak / 1e6),
      rounded(half_way / 1e6),
      rounded(max_rss / 1e6),
      i === 0 ? 1 : ratio,
    ]),
  ],
}
