import { wallClock } from '../runtime/clock.ts'
import { Nodes } from '../sinks/evm/nodes.ts'
import { startRpcProxy } from '../testing/rpc_proxy.ts'
import { type Bench, machine, node, rounded } from './support.ts'

const READS = 200
const TIMEOUT_MS = 500

interface Figures {
  readonly hedge: 'late' | 'failed'
  /** Who hangs: the first from the start on, or for ten reads each the one that has just answered. */
  readonly hangs: 'first' | 'in turns'
  readonly by_second: number
  readonly p50_ms: number
  readonly p99_ms: number
  readonly max_ms: number
  readonly within: boolean
}
export interface RpcHangingBench {
  readonly bench: 'rpc_hanging'
  readonly machine: ReturnType<typeof machine>
  readonly node: string
  readonly reads: number
  readonly timeout_ms: number
  readonly figures: readonly Figures[]
}

async function measure(hedge: 'late' | 'failed', hangs: Figures['hangs']): Promise<Figures> {
  const script = (method: string) => (method === 'eth_chainId' ? '0x7a69' : '0x10')
  const proxies = await Promise.all([1, 2].map(() => startRpcProxy({ answer: script })))
  const [first, second] = proxies as [(typeof proxies)[0], (typeof proxies)[0]]
  const hang = () => ({ type: 'hang' }) as const
  first.meets = hang
  const nodes = new Nodes({
    ...{ chain_id: 31337, timeout: TIMEOUT_MS * 1000, hedge, max_lag: 2, clock: wallClock, notice: () => {} },
    endpoints: [
      { label: 'first', ws: undefined, http: first.http },
      { label: 'second', ws: undefined, http: second.http },
    ],
  })
  const took: number[] = []
  let by_second = 0
  for (let i = 0; i < READS; i++) {
    if (hangs === 'in turns' && i % 10 === 0) {
      const hanging = i % 20 === 0 ? first : second
      const well = hanging === first ? second : first
      hanging.meets = hang
      well.meets = () => undefined
    }
    const start = performance.now()
    const { endpoint } = await nodes.read('eth_blockNumber')
    took.push(performance.now() - start)
    if (endpoint === 'second') by_second++
  }
  nodes.close()
  await Promise.all(proxies.map((proxy) => proxy.close()))
  const sorted = took.toSorted((a, b) => a - b)
  const p99 = sorted[Math.ceil(READS * 0.99) - 1]!
  return {
    ...{ hedge, hangs, by_second },
    p50_ms: rounded(sorted[READS >> 1]!),
    p99_ms: rounded(p99),
    max_ms: rounded(sorted.at(-1)!),
    within: p99 <= TIMEOUT_MS + 50,
  }
}

export const rpcHanging: Bench<RpcHangingBench> = {
  summary: `reads while the first of two endpoints hangs: p99 against the timeout of ${TIMEOUT_MS} ms + 50 ms`,
  async run(progress) {
    const figures: Figures[] = []
    for (const hedge of ['late', 'failed'] as const)
      for (const hangs of ['first', 'in turns'] as const) {
        progress(`${READS} reads, hedge ${hedge}, hangs: ${hangs}`)
        figures.push(await measure(hedge, hangs))
      }
    return { bench: 'rpc_hanging', machine: machine(), node, reads: READS, timeout_ms: TIMEOUT_MS, figures }
  },
  table: ({ figures }) => [
    ['hedge', 'hangs', 'by second', 'p50 ms', 'p99 ms', 'max ms', 'p99 within'],
    ...figures.map((f) => [f.hedge, f.hangs, f.by_second, f.p50_ms, f.p99_ms, f.max_ms, f.within ? 'yes' : 'no']),
  ],
}
