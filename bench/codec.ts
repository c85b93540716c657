import type { Allocation } from './codec/allocation.ts'
import type { Speed } from './codec/speed.ts'
import { type Bench, inProcess, machine, node } from './support.ts'

export interface CodecBench {
  readonly bench: 'codec'
  readonly machine: ReturnType<typeof machine>
  readonly node: string
  readonly rounds: number
  readonly frames: readonly Speed[]
  readonly allocated_bytes_per_tick: Allocation
}

/** Trade frames against JSON rows and against a bare copy of the columns. */
export const codec: Bench<CodecBench> = {
  summary: 'encoding and decoding trade frames against JSON rows and a bare copy of the columns',
  async run(progress, { rounds }) {
    progress('codec: speed, about 15 seconds')
    const frames = inProcess<readonly Speed[]>('codec/speed', [rounds])
    progress('codec: allocation')
    const flags = ['--expose-gc', '--min-semi-space-size=64', '--max-semi-space-size=64']
    const allocated = inProcess<Allocation>('codec/allocation', [], flags)
    return { bench: 'codec', machine: machine(), node, rounds, frames, allocated_bytes_per_tick: allocated }
  },
  table: ({ frames, allocated_bytes_per_tick }) => [
    ['ns/tick', ...frames.map(({ rows }) => (rows === 1 ? '1 row' : `${rows} rows`))],
    ...Object.keys(frames[0]!.ns_per_tick).map((name) => [name, ...frames.map((f) => f.ns_per_tick[name]!)]),
    ['bytes/tick'],
    ...(['columns', 'frame', 'json'] as const).map((name) => [name, ...frames.map((f) => f.bytes_per_tick[name])]),
    ['heap bytes/tick'],
    ...Object.entries(allocated_bytes_per_tick),
  ],
}
