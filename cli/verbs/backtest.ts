import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { backtest } from '../../runtime/environment/backtest.ts'
import { Delivery } from '../../runtime/environment/deliver.ts'
import { plan as planOf } from '../../runtime/plan.ts'
import type { Tape } from '../../runtime/tape.ts'
import { formatTime } from '../../schemas/units.ts'
import { Summary } from '../../sinks/summary.ts'
import { rangeOptions } from '../args.ts'
import { type Bindings, bindingsOf, bindOptions } from '../binding.ts'
import { folderOf, loadDefinition, setOption } from '../definition.ts'
import { executionOf, executionOption, failureTeller } from '../execution.ts'
import { bar } from '../io.ts'
import { RunFiles, renderSummary } from '../run_report.ts'
import { traceOption, tracer } from '../trace.ts'
import type { Verb } from '../verb.ts'

export const backtestVerb: Verb = {
  name: 'backtest',
  summary: 'Runs a pipeline over recorded data as fast as it goes, and reports.',
  form: 'FILE --tape TAPE',
  positionals: { min: 1, max: 1 },
  options: {
    ...bindOptions,
    set: setOption,
    from: { type: 'string', value: 'TIME', help: 'rows from this event time on' },
    to: { type: 'string', value: 'TIME', help: 'rows before this event time' },
    out: {
      type: 'string',
      short: 'o',
      value: 'DIR',
      help: 'write report.json, fills.csv, equity.csv, equity.svg there',
    },
    execution: executionOption,
    trace: traceOption,
  },
  async run(args, { io, catalogue }) {
    const [file = ''] = args.positionals
    const components = await catalogue(folderOf(file))
    const plan = planOf(await loadDefinition(file, args), components, 'backtest')
    const bindings = await bindingsOf(plan, args, components, io)
    const [from, to] = rangeOptions(args)
    const summary = new Summary()
    const out = args.value('out')
    const files = out === undefined ? undefined : new RunFiles(out)
    // a backtest goes on from nothing: files of an earlier one are in the way
    const fresh = (path: string) => {
      rmSync(path, { force: true })
      return path
    }
    const delivery = new Delivery(plan, 'bt', (name) => (out === undefined ? undefined : fresh(join(out, name))))
    const spans = [...bindings.values()].flatMap((b) =>
      b.type === 'recording' ? [b.recording as { info?: { rows: number } }] : [],
    )
    const expected = spans.reduce((sum, t) => sum + (t.info?.rows ?? 0), 0)
    const teller = failureTeller(io)
    const execution = executionOf(args)
    const began = performance.now()
    const result = await backtest(plan, {
      bindings,
      from,
      to,
      execution,
      watch: { ...tracer(plan, args, io), failed: teller.failed },
      output(row) {
        summary.add(row)
        files?.add(row)
        delivery.write([row])
      },
      progress: (rows, at) =>
        io.progress(`${expected > 0 ? bar(rows / expected) : ''} ${rows.toLocaleString('en')} rows, ${formatTime(at)}`),
    })
    const seconds = (performance.now() - began) / 1000
    delivery.close()
    if (result.ticks === 0) io.say(`no rows: ${spanOf(bindings) || 'the data is empty'}`)
    const document = {
      pipeline: plan.pipeline,
      mode: 'backtest',
      plan: plan.hash,
      ...summary.result(),
      ...result,
      seconds,
      ticks_per_second: Math.round(result.ticks / seconds),
    }
    const written = (await files?.close(document)) ?? []
    io.document(document, () =>
      [
        renderSummary(`${plan.pipeline}: backtest`, document),
        `  speed      ${document.ticks_per_second.toLocaleString('en')} ticks/s, ${seconds.toFixed(2)} s`,
        `  outputs    ${result.outputs.toLocaleString('en')}, sha256 ${result.outputs_sha256}`,
        ...written.map((f) => `  wrote      ${f}`),
      ].join('\n'),
    )
    return teller.exit()
  },
}

/** What time the bound recordings span, in words. */
const spanOf = (bindings: Bindings): string =>
  [...bindings]
    .flatMap(([id, b]) => (b.type === 'recording' ? [{ id, info: (b.recording as Partial<Tape>).info }] : []))
    .map(
      ({ id, info }) =>
        `${id} spans ${info?.from == null ? 'nothing' : `${formatTime(info.from)} to ${formatTime(info.to ?? info.from)}`}`,
    )
    .join(', ')
