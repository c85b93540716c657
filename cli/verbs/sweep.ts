import { mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { type FramesBySource, sharedFrames } from '../../runtime/environment/shared_frames.ts'
import { sweep } from '../../runtime/environment/sweep.ts'
import type { Plan } from '../../runtime/plan.ts'
import { TidegateError } from '../../schemas/errors.ts'
import { numberOption, rangeOptions } from '../args.ts'
import { bindingsOf, bindOptions } from '../binding.ts'
import { folderOf, loadDefinition, setOption } from '../definition.ts'
import { bar } from '../io.ts'
import { stopper } from '../stopper.ts'
import { checkVariants } from '../sweep/checked.ts'
import { workerEntry } from '../sweep/entry.ts'
import { checkMemory, memoryLimit } from '../sweep/memory.ts'
import { csvOf, figureNamed, figureNames, sorted, tableOf } from '../sweep/report.ts'
import type { Figures, Variant } from '../sweep/variant.ts'
import { axesOf, MOST_VARIANTS, paramsAt, paramsText } from '../sweep/vary.ts'
import type { SweepData } from '../sweep/worker.ts'
import { writing } from '../text_file.ts'
import type { Args, Verb } from '../verb.ts'

/** What a shell expects of a command that Ctrl-C ended. */
const INTERRUPTED = 130
const TOP = 10

export const sweepVerb: Verb = {
  name: 'sweep',
  summary: 'Backtests many variants of a pipeline over one tape that is read once, on all cores, and compares them.',
  form: 'FILE --tape TAPE --vary NODE.PARAM=VALUES',
  positionals: { min: 1, max: 1 },
  options: {
    ...bindOptions,
    vary: {
      type: 'string',
      multiple: true,
      value: 'NODE.PARAM=VALUES',
      help: 'a param and its values: 5..50, 0.1..0.5:0.1, 30s..5m:30s or a,b,c; several give every combination',
    },
    set: setOption,
    from: { type: 'string', value: 'TIME', help: 'rows from this event time on' },
    to: { type: 'string', value: 'TIME', help: 'rows before this event time' },
    workers: { type: 'string', value: 'N', help: 'threads that run variants; as many as there are cores unless named' },
    'max-memory': { type: 'string', value: 'MB', help: 'memory the rows may take; half of what is free unless named' },
    'skip-invalid': { type: 'boolean', help: 'count variants that are invalid and run the others' },
    sort: {
      type: 'string',
      value: 'FIGURE',
      help: `what the best are told by: ${figureNames.join(', ')}; pnl unless named`,
    },
    top: { type: 'string', value: 'N', help: `how many are printed; ${TOP} unless named` },
    out: { type: 'string', short: 'o', value: 'DIR', help: 'write sweep.json and sweep.csv there' },
  },
  notes: `Every variant is checked before the first one runs, and gives the outputs that \`tidegate backtest\` gives with the same --set. At most ${MOST_VARIANTS.toLocaleString('en')} variants. What is varied wins over a --set of the same param. The last --vary turns fastest; documents and files hold the variants in that order, and \`ticks\` of the whole counts the rows of all of them.`,
  async run(args, { io, catalogue }) {
    const [file = ''] = args.positionals
    const sort = figureNamed(args.value('sort') ?? 'pnl')
    const [from, to] = rangeOptions(args)
    const range = { from, to }
    const limit = memoryLimit(args)
    const top = countOption(args, 'top', TOP)
    const threads = countOption(args, 'workers', availableParallelism())
    const folder = folderOf(file)
    const components = await catalogue(folder)
    const definition = await loadDefinition(file, args)
    const axes = axesOf(args.values['vary'] ?? [], definition, components)
    const { plan, places, invalid } = checkVariants(definition, axes, components, {
      skipInvalid: args.flags.has('skip-invalid'),
      progress: (share) => io.progress(`${bar(share)} checking variants`),
    })
    const bindings = await bindingsOf(plan, args, components, io)
    checkMemory(plan, bindings, range, limit)
    const out = args.value('out')
    if (out !== undefined) writing(out, () => mkdirSync(out, { recursive: true }))
    const began = performance.now()
    io.progress('reading the tape')
    // a source that makes its rows from params that vary makes them anew for each variant
    const varied = new Set(axes.map(({ node }) => node).filter((node) => !bindings.has(node)))
    const frames = sharedFrames(plan, bindings, { ...range, limit, except: varied })
    const workers = Math.min(threads, places.length)
    const rows = rowsOf(plan, frames)
    const stop = stopper(undefined)
    io.say(
      `${countText(places.length, 'variant')} over ${rows.toLocaleString('en')} rows, ${countText(workers, 'worker')}`,
    )
    const data: SweepData = { folder, definition, axes, places, range }
    const figures = await sweep<SweepData, Figures>({
      count: places.length,
      workers,
      frames,
      data,
      entry: workerEntry(),
      name: (index) => paramsText(paramsAt(axes, places[index] as number)),
      signal: stop.signal,
      progress: (variants, ran) =>
        io.progress(
          `${bar(rows > 0 ? ran / rows / places.length : variants / places.length)} ${variants} of ${places.length} variants, ${ran.toLocaleString('en')} rows`,
        ),
    }).finally(stop.done)
    const seconds = (performance.now() - began) / 1000
    const variants = figures.flatMap((found, index): readonly Variant[] =>
      found === undefined ? [] : [{ params: paramsAt(axes, places[index] as number), ...found }],
    )
    if (stop.interrupted()) {
      io.say(`stopped with ${variants.length} of ${places.length} variants run; nothing is written`)
      return INTERRUPTED
    }
    if (invalid.length > 0) io.say(`${countText(invalid.length, 'variant')} left out as invalid`)
    const ticks = variants.reduce((sum, v) => sum + v.ticks, 0)
    if (ticks === 0) io.say('no rows: the data is empty, or nothing of it lies in the range')
    const document = {
      pipeline: plan.pipeline,
      variants,
      invalid: invalid.length,
      ticks,
      seconds,
      ticks_per_second: Math.round(ticks / seconds),
      workers,
    }
    const written = out === undefined ? [] : write(out, document)
    io.document(document, () =>
      [
        `${plan.pipeline}: ${countText(variants.length, 'variant')}, the best ${sort} first`,
        tableOf(sorted(variants, sort).slice(0, top), sort),
        `  speed  ${document.ticks_per_second.toLocaleString('en')} ticks/s over all, ${seconds.toFixed(2)} s, ${countText(workers, 'worker')}`,
        ...written.map((path) => `  wrote  ${path}`),
      ].join('\n'),
    )
    return 0
  },
}

function countOption(args: Args, name: string, otherwise: number): number {
  const count = numberOption(args, name) ?? otherwise
  if (!Number.isInteger(count) || count < 1)
    throw new TidegateError('USAGE', `--${name}: expected a whole number above 0, found ${count}`)
  return count
}

const countText = (count: number, noun: string): string =>
  `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`
/** Rows a variant counts: gaps and the end are none. */
const rowsOf = (plan: Plan, frames: FramesBySource): number =>
  plan.sources
    .flatMap(({ id, component }) => (frames.get(id) ?? []).filter(({ kind }) => kind === component.output.kind))
    .reduce((sum, frame) => sum + frame.rows, 0)

function write(directory: string, document: { readonly variants: readonly Variant[] }): readonly string[] {
  const files = { 'sweep.json': `${JSON.stringify(document, undefined, 2)}\n`, 'sweep.csv': csvOf(document.variants) }
  return Object.entries(files).map(([name, text]) => {
    const path = join(directory, name)
    writing(path, () => writeFileSync(path, text))
    return path
  })
}
