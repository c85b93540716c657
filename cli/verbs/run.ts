import { wallClock } from '../../runtime/clock.ts'
import { runPipeline } from '../../runtime/environment/run.ts'
import { openEmbeddedLog } from '../../runtime/log/embedded.ts'
import { OutputHash } from '../../runtime/output_hash.ts'
import { plan as planOf } from '../../runtime/plan.ts'
import { TidegateError } from '../../schemas/errors.ts'
import { formatTime } from '../../schemas/units.ts'
import { Summary } from '../../sinks/summary.ts'
import { durationOption, rangeOptions } from '../args.ts'
import { bindingsOf, bindOptions, dataOf } from '../binding.ts'
import { natsOptions, replicasOption } from '../cluster.ts'
import { folderOf, loadDefinition, setOption } from '../definition.ts'
import { endpointOption, endpointsOf } from '../endpoints.ts'
import { executionOf, executionOption, failureTeller } from '../execution.ts'
import { logOf } from '../log_option.ts'
import { refuseLive } from '../refuse_live.ts'
import { RunDirectory } from '../run_directory.ts'
import { renderSummary } from '../run_report.ts'
import { speedOf, speedOption } from '../speed.ts'
import { stopper } from '../stopper.ts'
import type { Args, Verb } from '../verb.ts'

export const runVerb: Verb = {
  name: 'run',
  summary: 'Runs a pipeline in paper or live mode; every step is committed to a log.',
  form: 'FILE [--mode paper|live] [--bind NODE=TAPE] [--dir DIR]',
  positionals: { min: 1, max: 1 },
  options: {
    mode: { type: 'string', value: 'paper|live', help: 'paper is the default' },
    log: { type: 'string', value: 'embedded|jetstream', help: 'where the log is kept: a directory, or a NATS server' },
    ...natsOptions,
    replicas: replicasOption,
    dir: { type: 'string', value: 'DIR', help: 'the run directory; .tidegate/PIPELINE unless named' },
    fsync: {
      type: 'string',
      value: 'always|every_second|close',
      help: 'when the log is forced to disk; only `always` outlives a power loss',
    },
    ...bindOptions,
    set: setOption,
    execution: executionOption,
    speed: speedOption,
    from: { type: 'string', value: 'TIME', help: 'recorded rows from this event time on' },
    to: { type: 'string', value: 'TIME', help: 'recorded rows before this event time' },
    for: { type: 'string', value: 'DURATION', help: 'stop after this long' },
    endpoint: endpointOption,
    confirm: { type: 'string', value: 'PIPELINE', help: 'consent to live trading, by name' },
  },
  notes:
    'Paper takes a live feed or a paced recording, and fills orders in simulation. Live sends them to a chain, takes live feeds only, keeps its log apart from that of paper, and asks for --confirm with the name of the pipeline. Stopping (Ctrl-C) and crashing are the same: the next `run` in the same directory goes on from what was committed. Signals are printed as they are committed, one JSON line each with --json; the report comes last.',
  async run(args, context) {
    const { io, catalogue } = context
    const [file = ''] = args.positionals
    const mode = args.value('mode') ?? 'paper'
    if (mode !== 'paper' && mode !== 'live')
      throw new TidegateError('USAGE', `--mode: expected paper or live, found "${mode}"`)
    const definition = await loadDefinition(file, args)
    const components = await catalogue(folderOf(file))
    const plan = planOf(definition, components, mode)
    if (mode === 'live') refuseLive(plan, args)
    const bindings = mode === 'live' ? new Map<string, never>() : await bindingsOf(plan, args, components, io)
    const [from, to] = rangeOptions(args)
    const [speed, endpoint, fsync, length] = [
      speedOf(args),
      endpointsOf(args),
      fsyncOf(args),
      durationOption(args, 'for'),
    ]
    const execution = executionOf(args)
    const teller = failureTeller(io)
    const directory = RunDirectory.of(plan.pipeline, args.value('dir'), mode)
    const { log, where } = await logOf(args, context, plan.pipeline, directory, () =>
      openEmbeddedLog(directory.log, { fsync }),
    )
    const stop = stopper(length)
    try {
      for (const notice of log.notices) io.say(notice)
      io.say(`${plan.pipeline}: ${mode}, plan ${plan.hash.slice(0, 12)}, log ${where} (${log.guarantee})`)
      const summary = new Summary()
      const hash = new OutputHash(plan)
      const began = performance.now()
      const result = await runPipeline(plan, {
        log,
        bindings,
        clock: wallClock,
        random: Math.random,
        speed,
        from,
        to,
        endpoint,
        execution,
        failed: teller.failed,
        accepted: (fresh) =>
          directory.keep(
            { definition, plan: plan.hash, near: folderOf(file), mode, data: dataOf(plan, bindings, { from, to }) },
            fresh,
          ),
        notice: (text) => io.say(text),
        file: (name) => directory.file(name),
        output(row) {
          summary.add(row)
          hash.row(row)
        },
        published: ({ subject, message }) =>
          io.line({ subject, ...message }, `${message['time']} ${subject} ${JSON.stringify(message['value'])}`),
        progress: (rows, at) => io.progress(`${rows.toLocaleString('en')} rows${at > 0 ? `, ${formatTime(at)}` : ''}`),
        signal: stop.signal,
      })
      const seconds = (performance.now() - began) / 1000
      const document = {
        pipeline: plan.pipeline,
        mode,
        plan: plan.hash,
        directory: directory.path,
        ...summary.result(),
        ...result,
        outputs: hash.rows,
        outputs_sha256: hash.digest(),
        seconds,
        ticks_per_second: Math.round(result.ticks / seconds),
      }
      const report = () =>
        [
          renderSummary(
            `${plan.pipeline}: ${mode}${result.complete ? ', was complete already' : result.resumed ? ', resumed' : ''}${result.ended ? '' : ', stopped'}`,
            document,
          ),
          `  outputs    ${hash.rows.toLocaleString('en')}, sha256 ${document.outputs_sha256}`,
        ].join('\n')
      io.line({ report: document }, report())
      return result.failed > 0 ? 1 : teller.exit()
    } finally {
      stop.done()
      await log.close()
    }
  },
}

function fsyncOf(args: Args): 'always' | 'every_second' | 'close' {
  const value = args.value('fsync') ?? 'every_second'
  if (value === 'always' || value === 'every_second' || value === 'close') return value
  throw new TidegateError('USAGE', `--fsync: expected always, every_second or close, found "${value}"`)
}
