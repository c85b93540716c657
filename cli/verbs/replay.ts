import { wallClock } from '../../runtime/clock.ts'
import { rangesOf, uncut } from '../../runtime/cluster/feed_name.ts'
import { recompute } from '../../runtime/cluster/recompute.ts'
import { ReplaySignals } from '../../runtime/cluster/replay_signals.ts'
import type { Start } from '../../runtime/cluster/start.ts'
import { replayStreams, type StreamReplayResult } from '../../runtime/cluster/stream_replay.ts'
import type { Committed } from '../../runtime/connect.ts'
import { toJson } from '../../runtime/json.ts'
import { plan as planOf } from '../../runtime/plan.ts'
import type { ReplayResult } from '../../runtime/replay.ts'
import { TidegateError } from '../../schemas/errors.ts'
import { formatTime } from '../../schemas/units.ts'
import { Summary } from '../../sinks/summary.ts'
import { rangesOption, timeOption, wholeOption } from '../args.ts'
import { openCluster } from '../cluster.ts'
import { folderOf, loadDefinition, setOption } from '../definition.ts'
import { executionOf, executionOption, failureTeller } from '../execution.ts'
import { onJetStream } from '../log_option.ts'
import { combined, deadText } from '../replay_report.ts'
import { renderSummary } from '../run_report.ts'
import { speedOf } from '../speed.ts'
import { stopper } from '../stopper.ts'
import { isFile, savepointOption, storedRun, storedRunOptions } from '../stored_run.ts'
import type { Args, Context, Io, Verb } from '../verb.ts'

export const replayVerb: Verb = {
  name: 'replay',
  summary: 'Recomputes the outputs of a run from its input log, or runs a definition over a stretch of tick streams.',
  form: 'PIPELINE|FILE [--log jetstream]',
  positionals: { min: 1, max: 1 },
  options: {
    ...storedRunOptions,
    savepoint: savepointOption,
    set: setOption,
    execution: executionOption,
    'from-seq': { type: 'string', value: 'N', help: 'from this input record on' },
    'from-time': { type: 'string', value: 'TIME', help: 'from this event time on' },
    to: { type: 'string', value: 'TIME', help: 'of tick streams: rows before this event time' },
    speed: { type: 'string', value: 'N|max', help: 'event seconds per second; max unless named' },
    ranges: { type: 'string', value: 'N', help: 'of tick streams: the ranges they were recorded in; 1 unless named' },
    publish: {
      type: 'string',
      value: 'RUN',
      help: 'of tick streams: publish what the sinks say on bt_RUN.sig.PIPELINE.…',
    },
    outputs: { type: 'boolean', help: 'print every output, as JSON lines with --json' },
  },
  notes:
    'A run (PIPELINE) is always recomputed from its first record, or from a savepoint, so that every printed output is what it really made; --from-seq and --from-time say which outputs are printed. With a FILE the log runs through that definition instead of the one it was made with: what would it have done? They are compared on the edges it has. ' +
    'With a FILE and --log jetstream the definition runs, from nothing, over what its tick streams hold from --from-seq or --from-time on: a backtest on the server, which deploys nothing, and publishes nothing unless --publish RUN gives it a namespace: `tidegate signals PIPELINE --namespace bt_RUN` reads it.',
  async run(args, context) {
    const streams = onJetStream(args) && isFile(args.positionals[0] ?? '')
    for (const name of streams ? ['savepoint', 'dir'] : ['to', 'ranges', 'publish'])
      if (args.value(name) !== undefined)
        throw new TidegateError(
          'USAGE',
          `--${name}: expected where ${streams ? 'a run is recomputed: replay PIPELINE' : 'tick streams are replayed: replay FILE --log jetstream'}`,
        )
    return streams ? overStreams(args, context) : overRun(args, context)
  },
}

const prints = (args: Args): boolean =>
  args.flags.has('outputs') || args.value('from-seq') !== undefined || args.value('from-time') !== undefined
const lineOf = (row: Committed) => {
  const { commit: _commit, order: _order, ...said } = row
  return {
    at: row.at,
    line: JSON.parse(toJson(said)) as unknown,
    text: `${formatTime(row.at)} ${row.edge} ${row.key} ${toJson(row.value)}`,
  }
}

async function overRun(args: Args, context: Context): Promise<number> {
  const { io } = context
  const [fromSeq, fromTime] = [wholeOption(args, 'from-seq'), timeOption(args, 'from-time')]
  const speed = speedOf(args, 'max')
  const { plan, log, made, where, stages, close } = await storedRun(args, context)
  const printed: ReturnType<typeof lineOf>[] = []
  const began = performance.now()
  try {
    const results: ReplayResult[] = []
    for (const stage of stages)
      results.push(
        ...(await recompute(plan, log, {
          ...stage,
          execution: executionOf(args),
          output(row, input) {
            if (!prints(args) || input < (fromSeq ?? 0) || row.at < (fromTime ?? 0)) return
            const said = lineOf(row)
            if (speed === Number.POSITIVE_INFINITY) io.line(said.line, said.text)
            else printed.push(said)
          },
          progress: (rows, at) => io.progress(`${rows.toLocaleString('en')} rows, ${formatTime(at)}`),
        })),
      )
    await playBack(printed, speed, io)
    const result = combined(results)
    const same = plan.hash === made
    const seconds = (performance.now() - began) / 1000
    const document = {
      ...{ pipeline: plan.pipeline, directory: where, plan: plan.hash, plan_of_log: made },
      ...result,
      seconds,
    }
    const { first_difference: d } = result
    const render = () =>
      [
        `${plan.pipeline}: replayed ${result.records} input records, ${result.rows.toLocaleString('en')} rows, ${result.outputs.toLocaleString('en')} outputs`,
        ...(result.dead > 0 ? [`  damaged    ${deadText(result.dead)}, as in the run`] : []),
        `  committed  sha256 ${result.committed_sha256}`,
        `  replayed   sha256 ${result.replay_sha256}`,
        `  ${result.equal ? 'equal' : `different${same ? '' : ' (another plan than the log was made with)'}; first at ${d?.node} ${d?.key} ${formatTime(d?.at ?? 0)}`}`,
      ].join('\n')
    if (prints(args)) io.line({ report: document }, render())
    else io.document(document, render)
    return !result.equal && same ? 5 : 0
  } finally {
    await close()
  }
}

async function overStreams(args: Args, context: Context): Promise<number> {
  const { io } = context
  const [file = ''] = args.positionals
  const plan = planOf(await loadDefinition(file, args), await context.catalogue(folderOf(file)), 'backtest')
  const [start, speed, to] = [startOf(args), speedOf(args, 'max'), timeOption(args, 'to')]
  const ranges = rangesOption(args) ?? 1
  const why = uncut(plan, ranges)
  if (why !== undefined) throw new TidegateError('USAGE', `--ranges: ${why}`, { ranges })
  const cluster = await openCluster(args, context, 'replay')
  const run = args.value('publish')
  const stop = stopper(undefined)
  const teller = failureTeller(io)
  const summary = new Summary()
  const began = performance.now()
  let signals: ReplaySignals | undefined
  try {
    signals = run === undefined ? undefined : await ReplaySignals.open(cluster.link, plan, run, cluster.replicas)
    const results: StreamReplayResult[] = []
    for (const range of rangesOf(ranges))
      results.push(
        await replayStreams(plan, cluster.log, {
          ...{ range, start, to, speed, clock: wallClock, signal: stop.signal, execution: executionOf(args) },
          failed: teller.failed,
          output(row) {
            summary.add(row)
            signals?.write(row)
            const { line, text } = lineOf(row)
            if (args.flags.has('outputs')) io.line(line, text)
          },
          room: () => signals?.room,
          progress: (rows, at) => io.progress(`${rows.toLocaleString('en')} rows, ${formatTime(at)}`),
        }),
      )
    await signals?.flush()
    const seconds = (performance.now() - began) / 1000
    const sum = (field: 'rows' | 'dead' | 'late' | 'invalid' | 'gaps' | 'outputs') =>
      results.reduce((total, result) => total + result[field], 0)
    const [ticks, outputs, dead] = [sum('rows'), sum('outputs'), sum('dead')]
    const counts = { ticks, dead, late: sum('late'), invalid: sum('invalid'), gaps: sum('gaps') }
    const sha256 = results.map((r) => r.outputs_sha256).join(' ')
    const document = {
      ...{ pipeline: plan.pipeline, mode: 'replay', plan: plan.hash, ...summary.result(), ...counts },
      ...{ outputs, outputs_sha256: sha256, seconds, ticks_per_second: Math.round(ticks / seconds) },
      ...(signals !== undefined && { namespace: signals.namespace, published: signals.published }),
    }
    if (ticks === 0) io.say('no rows: nothing was recorded there, see `tidegate record`')
    const render = () =>
      [
        renderSummary(`${plan.pipeline}: replay of tick streams`, document),
        `  speed      ${document.ticks_per_second.toLocaleString('en')} ticks/s, ${seconds.toFixed(2)} s`,
        `  outputs    ${outputs.toLocaleString('en')}, sha256 ${sha256}`,
        ...(dead > 0 ? [`  damaged    ${deadText(dead)}, as a worker leaves them out`] : []),
        ...(signals === undefined
          ? []
          : [`  published  ${signals.published.toLocaleString('en')} on ${signals.namespace}.sig.${plan.pipeline}.>`]),
      ].join('\n')
    if (args.flags.has('outputs')) io.line({ report: document }, render())
    else io.document(document, render)
    return teller.exit()
  } finally {
    stop.done()
    signals?.close()
    await cluster.close()
  }
}

function startOf(args: Args): Start {
  const [seq, at] = [wholeOption(args, 'from-seq'), timeOption(args, 'from-time')]
  if (seq !== undefined && at !== undefined)
    throw new TidegateError('USAGE', 'expected one of --from-seq and --from-time')
  if (seq !== undefined) return { type: 'seq', seq }
  return at !== undefined ? { type: 'time', at } : { type: 'all' }
}

async function playBack(rows: readonly ReturnType<typeof lineOf>[], speed: number, io: Io): Promise<void> {
  const [first] = rows
  const began = wallClock.now()
  for (const { at, line, text } of rows) {
    const wait = (at - (first?.at ?? at)) / speed - (wallClock.now() - began)
    if (wait > 0) await new Promise<void>((resolve) => wallClock.after(wait, resolve))
    io.line(line, text)
  }
}
