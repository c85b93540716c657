import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Observable } from 'rxjs'
import { wallClock } from '../runtime/clock.ts'
import type { SourceContext, SourceItem } from '../runtime/define.ts'
import type { Plan, PlannedSource } from '../runtime/plan.ts'
import { rawLimits } from '../runtime/wire/raw_writer.ts'
import { Recorder } from '../runtime/wire/recorder.ts'
import { TidegateError } from '../schemas/errors.ts'
import { durationOption, numberOption } from './args.ts'
import type { Bindings } from './binding.ts'
import { endpointsOf } from './endpoints.ts'
import { ItemTape } from './item_tape.ts'
import { stopper } from './stopper.ts'
import type { Args, Io } from './verb.ts'

export const fileOptions = {
  raw: { type: 'string', value: 'DIR', help: 'keep every frame as it came, in DIR/NODE' },
  out: {
    type: 'string',
    short: 'o',
    value: 'TAPE',
    help: 'keep the rows as a tape; a folder of NODE.tape for several sources',
  },
  'rotate-bytes': {
    type: 'string',
    value: 'N',
    help: 'begin another file of raw frames at this size; 67108864 unless named',
  },
  'rotate-every': { type: 'string', value: 'DURATION', help: 'and after this long; 1h unless named' },
} as const

/** Whether files alone are written. @throws USAGE where a tape is to be kept beside the streams of a server */
export function toFiles(args: Args): boolean {
  const [raw, out, nats] = [args.value('raw'), args.value('out'), args.value('nats')]
  if (nats !== undefined && out !== undefined)
    throw new TidegateError('USAGE', 'record: -o keeps rows where no server does; leave out --nats, or -o')
  return (raw ?? out) !== undefined && nats === undefined
}

/** A recorder between a source and its venue, where one is asked for. */
export function recorderOf(
  args: Args,
  source: PlannedSource,
  world: SourceContext,
  failed: (error: unknown) => void,
): Recorder | undefined {
  const directory = args.value('raw')
  if (directory === undefined) return undefined
  const { id, component } = source
  if (component.frames === 'unheard')
    throw new TidegateError(
      'BINDING_INVALID',
      `node "${id}" (${component.name}) speaks with its venue by itself: its frames cannot be recorded, its rows can, with -o`,
      { node: id },
    )
  const bytes = numberOption(args, 'rotate-bytes') ?? rawLimits.bytes
  const micros = durationOption(args, 'rotate-every') ?? rawLimits.micros
  if (!(bytes > 0 && micros > 0))
    throw new TidegateError('USAGE', 'record: expected --rotate-bytes and --rotate-every above 0')
  return new Recorder(join(directory, source.id), source, world, failed, { bytes, micros })
}

/** Records live feeds into files alone. */
export async function recordFiles(plan: Plan, bindings: Bindings, args: Args, io: Io): Promise<void> {
  for (const { id, component } of plan.sources)
    if (bindings.has(id) || component.open === undefined)
      throw new TidegateError(
        'BINDING_INVALID',
        `node "${id}" (${component.name}) has no live feed here, and --raw and -o record live feeds`,
        { node: id },
      )
  const [out, several] = [args.value('out'), plan.sources.length > 1]
  if (several && out?.endsWith('.tape'))
    throw new TidegateError(
      'USAGE',
      `record: ${plan.sources.length} sources, and -o ${out} names one tape; name a folder`,
    )
  const stop = stopper(durationOption(args, 'for'))
  const failures: unknown[] = []
  const halt = new AbortController()
  const fail = (error: unknown) => {
    failures.push(error)
    halt.abort()
  }
  try {
    const signal = AbortSignal.any([stop.signal, halt.signal])
    const on = { args, io, signal, fail }
    const recorded = await Promise.all(plan.sources.map((source) => recordOne(source, on).catch(fail)))
    if (failures.length > 0) throw failures[0]
    io.document({ recorded }, () =>
      recorded.map((one) => one && `${one.source}: ${one.rows} rows in ${one.files.join(' and ')}`).join('\n'),
    )
  } finally {
    stop.done()
  }
}

interface Recording {
  readonly args: Args
  readonly io: Io
  readonly signal: AbortSignal
  readonly fail: (error: unknown) => void
}
async function recordOne(source: PlannedSource, { args, io, signal, fail }: Recording) {
  const { id, component, params } = source
  const world: SourceContext = {
    ...{ clock: wallClock, random: Math.random, position: 0, endpoint: endpointsOf(args) },
    notice: (text) => io.say(`${id}: ${text}`),
  }
  const recorder = recorderOf(args, source, world, fail)
  const tape = tapeOf(args.value('out'), source)
  let rows = 0
  const open = component.open as unknown as (p: unknown, context: SourceContext) => Observable<readonly SourceItem[]>
  const opened = (context: SourceContext) => open(params, context)
  const take = (items: readonly SourceItem[]) => {
    for (const { type } of items) if (type === 'row') rows++
    tape?.writer.push(items)
    io.progress(`${id}: ${rows.toLocaleString('en')} rows`)
  }
  await new Promise<void>((resolve) => {
    const subscription = (recorder?.opened(opened) ?? opened(world)).subscribe({
      next(items) {
        try {
          take(items)
        } catch (error) {
          fail(error)
        }
      },
      error: fail,
      complete: () => resolve(),
    })
    const end = async () => {
      await recorder?.finish().catch(fail)
      subscription.unsubscribe()
      resolve()
    }
    signal.addEventListener('abort', () => void end(), { once: true })
    if (signal.aborted) void end()
  })
  await recorder?.finish().catch(fail)
  await tape?.writer.close().catch(fail)
  const raw = args.value('raw')
  const files = [...(raw === undefined ? [] : [join(raw, id)]), ...(tape ? [tape.path] : [])]
  return { source: id, rows, files }
}

function tapeOf(out: string | undefined, source: PlannedSource) {
  if (out === undefined) return undefined
  const alone = out.endsWith('.tape')
  if (!alone) mkdirSync(out, { recursive: true })
  const path = alone ? out : join(out, `${source.id}.tape`)
  return { path, writer: new ItemTape(path, source) }
}
