import { appendOnce } from '../../runtime/log/jetstream/settle.ts'
import type { LogStream } from '../../runtime/log/log.ts'
import type { Plan } from '../../runtime/plan.ts'
import { type InputRecord, Stage } from '../../runtime/stage.ts'
import { isTidegateError } from '../../schemas/errors.ts'
import { type Append, logOf } from './log.ts'
import type { Network, Process } from './network.ts'

/** What is tried out: the code itself, or a mutation of it. */
export interface Code {
  readonly append: Append
  readonly open: typeof Stage.open
  readonly own: typeof own
}
/** Where a process works. */
export interface Site {
  readonly network: Network
  readonly code: Code
  readonly plan: Plan
  readonly inputs: readonly string[]
  readonly stage: string
  /** How many records each input will have. */
  readonly totals: readonly number[]
}

/** An owner of the stage: recovers, then takes what the inputs hold until it took all there will be. */
export async function own(process: Process, site: Site): Promise<void> {
  const { network, totals } = site
  const stage = await openStage(process, site)
  // as a worker does: the next step runs while the commit before is on its way
  const taken = [...stage.positions]
  while (totals.some((total, i) => (taken[i] as number) < total)) {
    const records = await someInputs(stage, network, taken)
    for (const { input = 0, seq } of records) taken[input] = seq
    if (records.length === 0) await network.pause(process)
    else if (network.chance.below(4) === 0) await stage.step(records)
    else await stage.push(records)
  }
  await stage.settle()
  stage.close()
}
export async function openStage(process: Process, { network, code, plan, inputs, stage }: Site): Promise<Stage> {
  const log = logOf(process, network, code.append)
  const streams = await Promise.all(inputs.map((name) => log.stream(name)))
  return code.open(plan, log, {
    inputs: streams.map((stream) => ({ stream })),
    name: stage,
    owner: process.name,
    execution: 'interpret',
  })
}

/** Records from where the stage stands, few or many, interleaved by chance. */
export async function someInputs(
  stage: Stage,
  { chance }: Network,
  taken: readonly number[] = stage.positions,
): Promise<readonly InputRecord[]> {
  const waiting: InputRecord[][] = []
  for (const [input, { stream }] of stage.inputs.entries()) {
    const limit = chance.below(4)
    const found: InputRecord[] = []
    if (limit > 0)
      for await (const record of stream.read((taken[input] as number) + 1, { limit })) found.push({ ...record, input })
    waiting.push(found)
  }
  const records: InputRecord[] = []
  for (;;) {
    const left = waiting.filter((of) => of.length > 0)
    if (left.length === 0) return records
    records.push(chance.of(left).shift() as InputRecord)
  }
}

/** The writer of an input: goes on where the stream ends. */
export async function write(
  process: Process,
  { network, code }: Site,
  name: string,
  records: readonly Uint8Array[],
): Promise<void> {
  const stream: LogStream = await logOf(process, network, code.append).stream(name)
  let { last } = await stream.state()
  while (last < records.length) {
    try {
      last = await stream.append(records[last] as Uint8Array, last)
    } catch (error) {
      if (!isTidegateError(error) || error.code !== 'LOG_CONFLICT') throw error
      last = (await stream.state()).last
    }
  }
}

export const real: Code = { append: appendOnce, open: Stage.open.bind(Stage), own }
