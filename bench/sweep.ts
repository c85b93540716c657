import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Bench, inProcess, machine, median, node, rounded } from './support.ts'
import type { InSequence } from './sweep/in_sequence.ts'
import { marketTape } from './sweep/market_tape.ts'

const MINUTES = 240
const WORKERS = 2
const PIPELINE = 'pipelines/btc_momentum.yaml'
const VARY = ['trend.span=11..60', 'bars.every=30s,1m'] as const
const VARIANTS = 100
/** Single runs that are measured; their time is scaled to all variants. */
const SINGLES = 5

export interface SweepBench {
  readonly bench: 'sweep'
  readonly machine: ReturnType<typeof machine>
  readonly node: string
  readonly variants: number
  readonly workers: number
  readonly ticks: number
  readonly sweep_seconds: number
  /** Of SINGLES processes, scaled. */
  readonly single_runs_seconds: number
  readonly in_sequence_seconds: number
  /** Time of the others over time of the sweep, round by round: median, least and most. */
  readonly ratio_to_single_runs: readonly number[]
  readonly ratio_to_in_sequence: readonly number[]
}

/** npm starts scripts there. */
const root = process.cwd()
const timed = <T>(run: () => T): readonly [seconds: number, result: T] => {
  const began = performance.now()
  const result = run()
  return [(performance.now() - began) / 1000, result]
}
/** The command line as it is installed, in a process of its own. */
function tidegate<R>(...argv: string[]): R {
  const text = execFileSync(process.execPath, ['dist/cli/main.js', ...argv, '--json'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  return JSON.parse(text) as R
}

/** Many variants at once against a process for each, and against one process that runs them in turn. */
export const sweep: Bench<SweepBench> = {
  summary: `${VARIANTS} variants by sweep with ${WORKERS} workers, against a process each and against one loop`,
  async run(progress, { rounds }) {
    const directory = mkdtempSync(join(tmpdir(), 'tidegate-sweep-'))
    try {
      execFileSync(process.execPath, ['node_modules/ts7/bin/tsc', '-p', 'tsconfig.build.json'], { cwd: root })
      const tape = join(directory, 'market.tape')
      const { rows } = await marketTape(tape, MINUTES)
      const measured = Array.from({ length: rounds }, (_, round) => {
        progress(`sweep: round ${round + 1} of ${rounds}`)
        return measure(tape)
      })
      const ratios = (of: (round: Round) => number) => {
        const all = measured.map((round) => of(round) / round.sweep)
        return [median(all), Math.min(...all), Math.max(...all)].map(rounded)
      }
      const seconds = (of: (round: Round) => number) => rounded(median(measured.map(of)))
      return {
        bench: 'sweep',
        machine: machine(),
        node,
        variants: VARIANTS,
        workers: WORKERS,
        ticks: rows,
        sweep_seconds: seconds((r) => r.sweep),
        single_runs_seconds: seconds((r) => r.singles),
        in_sequence_seconds: seconds((r) => r.sequence),
        ratio_to_single_runs: ratios((r) => r.singles),
        ratio_to_in_sequence: ratios((r) => r.sequence),
      }
    } finally {
      rmSync(directory, { recursive: true })
    }
  },
  table: (r) => [
    ['100 variants by', 'seconds', 'ticks/s', 'ratio to sweep', 'low', 'high'],
    [`sweep, ${r.workers} workers`, r.sweep_seconds, Math.round((r.variants * r.ticks) / r.sweep_seconds), 1, 1, 1],
    [
      `a process each (${SINGLES} measured, scaled)`,
      r.single_runs_seconds,
      Math.round((r.variants * r.ticks) / r.single_runs_seconds),
      ...r.ratio_to_single_runs,
    ],
    [
      'one loop in one process',
      r.in_sequence_seconds,
      Math.round((r.variants * r.ticks) / r.in_sequence_seconds),
      ...r.ratio_to_in_sequence,
    ],
  ],
}

interface Round {
  readonly sweep: number
  readonly singles: number
  readonly sequence: number
}
interface Variant {
  readonly params: Readonly<Record<string, unknown>>
  readonly outputs_sha256: string
}
function measure(tape: string): Round {
  const vary = VARY.flatMap((axis) => ['--vary', axis])
  const [seconds, { variants }] = timed(() =>
    tidegate<{ variants: readonly Variant[] }>('sweep', PIPELINE, '--tape', tape, ...vary, '--workers', `${WORKERS}`),
  )
  // an odd stride takes bars of both lengths
  const picked = Array.from({ length: SINGLES }, (_, i) => variants[i * 21]!)
  const [single, hashes] = timed(() =>
    picked.map(({ params }) => {
      const settings = Object.entries(params).flatMap(([name, value]) => ['--set', `${name}=${value}`])
      return tidegate<Variant>('backtest', PIPELINE, '--tape', tape, ...settings).outputs_sha256
    }),
  )
  const sequence = inProcess<InSequence>('sweep/in_sequence', [join(root, PIPELINE), tape, ...VARY])
  const equal =
    variants.every((v, i) => v.outputs_sha256 === sequence.hashes[i]) &&
    picked.every((v, i) => v.outputs_sha256 === hashes[i])
  if (!equal) throw new Error('expected the same outputs of a sweep, of single runs and of a loop, found others')
  return { sweep: seconds, singles: (single / picked.length) * VARIANTS, sequence: sequence.seconds }
}
