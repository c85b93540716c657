import { check } from '../../runtime/check.ts'
import { plan } from '../../runtime/plan.ts'
import { named } from '../../runtime/wiring.ts'
import { TidegateError } from '../../schemas/errors.ts'
import type { PipelineSpec } from '../../schemas/spec.ts'
import { folderOf, loadDefinition, setOption } from '../definition.ts'
import { drawn, type Graph, graphOf } from '../describe/graph.ts'
import { svg } from '../describe/graph_svg.ts'
import { dot, mermaid } from '../describe/graph_text.ts'
import type { Verb } from '../verb.ts'

const formats: Readonly<Record<string, (graph: Graph) => string>> = {
  mermaid,
  dot,
  svg,
  json: (graph) => JSON.stringify(graph, undefined, 2),
}

export const graphVerb: Verb = {
  name: 'graph',
  summary: 'Draws a pipeline: for Mermaid, for Graphviz, as an SVG picture or as JSON.',
  form: 'FILE [--format mermaid|dot|svg|json]',
  positionals: { min: 1, max: 1 },
  options: {
    format: { type: 'string', value: 'FORMAT', help: 'mermaid (the default), dot, svg or json' },
    all: { type: 'boolean', help: 'also the wires the plan makes by itself, such as prices to a risk gate' },
    set: setOption,
  },
  notes:
    'Sources are round, sinks have a double line; feedback is dashed, and edges of which only the newest message is read are dotted. With --json the document is {format, text}, or the graph itself when no format is named.',
  async run(args, { io, catalogue }) {
    const [file = ''] = args.positionals
    const name = args.value('format')
    const format = named(formats, name ?? 'mermaid')
    if (format === undefined)
      throw new TidegateError('USAGE', `--format: expected ${Object.keys(formats).join(', ')}, found "${name}"`)
    const raw = await loadDefinition(file, args)
    const here = await catalogue(folderOf(file))
    const planned = plan(raw, here)
    const whole = graphOf(check(raw, here).spec as PipelineSpec, planned, here)
    const graph = args.flags.has('all') ? whole : drawn(whole)
    io.document(name === undefined || name === 'json' ? graph : { format: name, text: format(graph) }, () =>
      format(graph),
    )
  },
}
