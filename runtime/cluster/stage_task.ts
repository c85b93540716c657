import { TidegateError } from '../../schemas/errors.ts'
import type { ExecutionName } from '../engine.ts'
import { layout, type Range } from '../log/layout.ts'
import type { Log, LogStream } from '../log/log.ts'
import type { Plan } from '../plan.ts'
import { type Probe, Stage, type StageInput } from '../stage.ts'
import type { Watch } from '../watch.ts'
import type { Pointer } from './definitions.ts'
import { tickStreams } from './feed_name.ts'
import { Mailbox } from './mailbox.ts'
import { holds } from './start.ts'

export interface StageTaskOptions {
  readonly plan: Plan
  readonly pointer: Pointer
  readonly range: Range
  readonly log: Log
  readonly owner: string
  readonly upgrade: (hash: string) => Promise<Plan>
  readonly execution?: ExecutionName | undefined
  readonly failed?: Watch['failed']
  readonly probe?: Probe | undefined
}

/** Input records of the first step, and of any later one at most: bounds how long the next waits. */
export const FIRST_STEP = 64
const MOST_RECORDS = 512
/** What a commit should hold at most: larger ones do not fit a message, and go a longer way. */
const COMMIT_BYTES = 2 ** 18

/** The inputs of a range of a deployed pipeline. */
export async function inputsOf(plan: Plan, pointer: Pointer, range: Range, log: Log): Promise<readonly StageInput[]> {
  return Promise.all(
    tickStreams(plan, range).map(async ({ source, name }) => {
      const stream = await log.stream(name)
      return { stream, source, start: pointer.start[name] ?? (await stream.state()).first }
    }),
  )
}

/** Takes the ticks of a range as they come, and commits, until the signal aborts or everything due is drained. */
export async function runStage(options: StageTaskOptions, signal: AbortSignal): Promise<void> {
  const { plan, pointer, range, log, owner, upgrade, execution } = options
  const inputs = await inputsOf(plan, pointer, range, log)
  const name = layout.stage(plan.pipeline, range)
  const ahead = await readAhead(inputs, pointer, await log.stream(name), signal)
  const stage = await Stage.open(plan, log, {
    inputs,
    name,
    owner,
    upgrade,
    keep: pointer.keep,
    execution,
    warm_up: true,
    failed: options.failed,
    ...(options.probe && { probe: options.probe }),
  }).catch((error: unknown) => {
    ahead?.close()
    throw error
  })
  // another owner may have made the first commit meanwhile
  if (stage.last > 1) ahead?.close()
  const places = inputs.map(({ stream }, i) => ({ stream, from: (stage.positions[i] as number) + 1 }))
  const mailbox = ahead !== undefined && stage.last === 1 ? ahead : new Mailbox(places, signal)
  const { until } = pointer
  const due = () =>
    until === undefined || inputs.some(({ stream }, i) => (stage.positions[i] as number) < (until[stream.name] ?? 0))
  let most = FIRST_STEP
  try {
    while (!signal.aborted && due()) {
      const records = await mailbox.take(most, signal)
      await stage.push(records)
      most = nextStep(records.length, stage.commitBytes)
      if (until !== undefined) await stage.settle()
    }
    await stage.settle()
  } finally {
    mailbox.close()
    stage.close()
  }
}

/**
 * The first commit of a stage says where it begins, for good: what stands there is at hand before, for the oldest records
 * of a stream may be let go at any time.
 */
async function readAhead(
  inputs: readonly StageInput[],
  { created }: Pointer,
  stage: LogStream,
  signal: AbortSignal,
): Promise<Mailbox | undefined> {
  if ((await stage.state()).last > 0) return undefined
  const held = await Promise.all(inputs.map(({ stream }) => stream.state()))
  for (const { stream, start = 1 } of inputs)
    if (!(await holds(stream, start, created?.[stream.name]))) throw cannotBegin(stage, stream, start)
  const mailbox = new Mailbox(
    inputs.map(({ stream, start = 1 }) => ({ stream, from: start })),
    signal,
  )
  try {
    const waiting = inputs.flatMap(({ start = 1 }, i) => ((held[i]?.last ?? 0) < start ? [] : [i]))
    await mailbox.holds(waiting, signal)
    return mailbox
  } catch (error) {
    mailbox.close()
    throw error
  }
}

const cannotBegin = (stage: LogStream, { name }: LogStream, seq: number): TidegateError =>
  new TidegateError(
    'LOG_LOST',
    `${stage.name} is to begin with record ${seq} of ${name}, which does not hold it, or was made anew; nothing was taken yet, and \`tidegate deploy FILE --from all\` of what runs lets it begin with the oldest that is left`,
    { stream: name, seq },
  )

/** How many records the next step may take, by what the last one's commit came to. */
export function nextStep(records: number, bytes: number): number {
  if (records === 0) return FIRST_STEP
  return Math.max(1, Math.min(MOST_RECORDS, Math.floor((records * COMMIT_BYTES) / Math.max(1, bytes))))
}
