import { check } from '../../runtime/check.ts'
import { programOf } from '../../runtime/engine.ts'
import { plan } from '../../runtime/plan.ts'
import type { PipelineSpec } from '../../schemas/spec.ts'
import { folderOf, loadDefinition, setOption } from '../definition.ts'
import { explain } from '../describe/explain.ts'
import { explainText } from '../describe/explain_text.ts'
import type { Verb } from '../verb.ts'

export const explainVerb: Verb = {
  name: 'explain',
  summary:
    'Tells what a pipeline will do, node by node: what it reads and says, its state, its timers, what is guaranteed.',
  form: 'FILE',
  positionals: { min: 1, max: 1 },
  options: {
    set: setOption,
    code: { type: 'boolean', help: 'print the program that the pipeline compiles to' },
  },
  notes:
    'State is what a checkpoint holds; it does not grow with time, only with the number of keys. The run order is that of the nodes of one pass, the simulated venue first.',
  async run(args, { io, catalogue }) {
    const [file = ''] = args.positionals
    const raw = await loadDefinition(file, args)
    const here = await catalogue(folderOf(file))
    const planned = plan(raw, here)
    if (args.flags.has('code')) {
      const code = programOf(planned)
      io.document({ pipeline: planned.pipeline, hash: planned.hash, code }, () => code)
      return
    }
    const explained = explain(check(raw, here).spec as PipelineSpec, planned, here)
    io.document(explained, () => explainText(explained))
  },
}
