import { catalogueNear } from '../../cli/catalogue.ts'
import { loadDefinition } from '../../cli/definition.ts'
import { figuresOf } from '../../cli/sweep/variant.ts'
import { axesOf, countOf, definitionAt } from '../../cli/sweep/vary.ts'
import { plan } from '../../runtime/plan.ts'
import { openTape } from '../../runtime/tape.ts'

export interface InSequence {
  readonly seconds: number
  readonly hashes: readonly string[]
}

/** Backtests of all variants one after another in this process, the tape read anew for each; loading is not timed. */
const [file = '', path = '', ...vary] = process.argv.slice(2)
const catalogue = await catalogueNear()
const definition = await loadDefinition(file)
const axes = axesOf(vary, definition, catalogue)
const began = performance.now()
const hashes: string[] = []
for (let place = 0; place < countOf(axes); place++) {
  const bindings = new Map([['trades', { type: 'recording', recording: openTape(path) } as const]])
  const made = plan(definitionAt(definition, axes, place), catalogue, 'backtest')
  hashes.push((await figuresOf(made, bindings, {}, () => undefined)).outputs_sha256)
}
const result: InSequence = { seconds: (performance.now() - began) / 1000, hashes }
process.stdout.write(JSON.stringify(result))
