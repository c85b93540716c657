import type { Graph, GraphEdge, GraphNode } from './graph.ts'

const words = ({ kind, port, flow }: GraphEdge): string =>
  flow === 'latest' || flow === 'feedback' ? `${kind} (${flow}${port === kind ? '' : ` ${port}`})` : kind

const shapes: Readonly<Record<GraphNode['role'], readonly [open: string, close: string]>> = {
  source: ['([', '])'],
  operator: ['[', ']'],
  sink: ['[[', ']]'],
}
/** A flowchart for Mermaid: sources are rounded, sinks double, feedback dotted. */
export function mermaid({ nodes, edges }: Graph): string {
  // `end` and a few more are words of Mermaid: a prefix keeps ids apart from them
  const name = (id: string) => `n_${id}`
  return [
    'flowchart LR',
    ...nodes.map(
      ({ id, role, component }) => `  ${name(id)}${shapes[role][0]}"<b>${id}</b><br/>${component}"${shapes[role][1]}`,
    ),
    ...edges.map((e) => `  ${name(e.from)} ${e.flow === 'calls' ? '-->' : '-.->'}|"${words(e)}"| ${name(e.to)}`),
    ...(['source', 'operator', 'sink'] as const).flatMap((role) => {
      const ids = nodes.filter((n) => n.role === role).map((n) => name(n.id))
      return ids.length === 0
        ? []
        : [
            `  classDef ${role} fill:${fills[role][0]},stroke:${fills[role][1]},color:#1f2933`,
            `  class ${ids.join(',')} ${role}`,
          ]
    }),
  ].join('\n')
}

/** Fill and line of a node, by its role. */
export const fills: Readonly<Record<GraphNode['role'], readonly [fill: string, line: string]>> = {
  source: ['#e3f2ec', '#2f855a'],
  operator: ['#eef2f9', '#4a6fa5'],
  sink: ['#fbeee0', '#c2701e'],
}

/** A digraph for Graphviz. */
export function dot({ pipeline, nodes, edges }: Graph): string {
  const styles = {
    calls: '',
    latest: ', style=dotted',
    feedback: ', style=dashed, constraint=false',
    ambient: ', style=dotted, color=gray70',
  }
  return [
    `digraph "${pipeline}" {`,
    '  rankdir=LR; node [shape=box, style="rounded,filled", fontname="Helvetica"]; edge [fontname="Helvetica", fontsize=10];',
    ...nodes.map(
      ({ id, role, component }) =>
        `  "${id}" [label="${id}\\n${component}", fillcolor="${fills[role][0]}", color="${fills[role][1]}"];`,
    ),
    ...edges.map((e) => `  "${e.from}" -> "${e.to}" [label="${words(e)}"${styles[e.flow]}];`),
    '}',
  ].join('\n')
}
