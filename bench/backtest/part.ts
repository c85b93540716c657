import { openEngine } from '../../runtime/engine.ts'
import { backtest } from '../../runtime/environment/backtest.ts'
import { metering } from '../../runtime/environment/metering.ts'
import { OutputHash } from '../../runtime/output_hash.ts'
import { hashing } from '../../runtime/outputs.ts'
import { openTape } from '../../runtime/tape.ts'
import { decodeFrame, type Frame } from '../../schemas/frame.ts'
import { kinds } from '../../schemas/kinds.ts'
import { benchPlan, SOURCE } from '../fused/graph.ts'

/** CPU of one cold pass of a process over a tape, ns per tick, and the digest where there are outputs. */
export interface Part {
  readonly ns_per_tick: number
  readonly outputs_sha256: string | null
}

const [part = '', path = ''] = process.argv.slice(2)
const tape = openTape(path)
let digest: string | null = null
/** What is decoded ends up in here, so that nothing can be left out. */
let sink = 0
async function graph(frames: readonly Frame[]): Promise<void> {
  const plan = benchPlan()
  const hash = new OutputHash(plan)
  const engine = await openEngine(plan, { output: hashing(plan, hash) }, { metering })
  for (const frame of frames) engine.frame(frame, 0, frame.rows, SOURCE)
  // as the end of a tape says it
  engine.heartbeat(0, '*', Math.max(...frames.map((f) => f.last)) + 1, { end: true })
  digest = hash.digest()
}
const parts: Readonly<Record<string, () => () => Promise<void>>> = {
  decode: () => async () => {
    for (const bytes of tape.frames({ reuse: true })) {
      const frame = decodeFrame(bytes, kinds)
      sink += (frame.at.at(-1) as number) + (frame.columns[0]?.[0] as number)
    }
  },
  graph: () => {
    const frames = [...tape.frames()].map((bytes) => decodeFrame(bytes, kinds))
    return () => graph(frames)
  },
  end_to_end: () => async () => {
    const bindings = new Map([[SOURCE, { type: 'recording', recording: tape } as const]])
    digest = (await backtest(benchPlan(), { bindings })).outputs_sha256
  },
}
const run = parts[part]?.()
const before = process.cpuUsage()
await run?.()
const { user, system } = process.cpuUsage(before)
if (Number.isNaN(sink)) throw new Error('a tape holds no NaN')
const result: Part = { ns_per_tick: ((user + system) * 1e3) / tape.info.rows, outputs_sha256: digest }
process.stdout.write(JSON.stringify(result))
