import { aligned } from './columns_text.ts'
import type { Explained, ExplainedNode, ReadEdge } from './explain.ts'

/** An explained plan for a terminal. */
export function explainText({
  pipeline,
  summary,
  hash,
  run_order,
  tick_level_nodes,
  state_bytes_per_key,
  nodes,
}: Explained): string {
  return [
    `${pipeline}${summary === '' ? '' : `: ${summary}`}`,
    aligned([
      ['plan', hash],
      ['runs in the order', run_order.join(', ')],
      ['called by every tick', `${tick_level_nodes} nodes`],
      ['state per key', `${state_bytes_per_key} bytes`],
    ]),
    ...nodes.flatMap((node) => ['', nodeText(node)]),
  ].join('\n')
}

const how: Readonly<Record<ReadEdge['how'], string>> = {
  calls: 'every message calls it',
  latest: 'only the newest message is looked at',
  feedback: 'feedback: it takes note and does not answer',
  ambient: 'wired by the plan',
}

function nodeText({
  id,
  role,
  component,
  version,
  summary,
  reads,
  speaks,
  state,
  lateness,
  delivery,
}: ExplainedNode): string {
  const size =
    state === undefined
      ? ''
      : state.scope === 'key'
        ? `${state.bytes_per_key} bytes per key`
        : `${state.bytes} bytes, and ${state.bytes_per_key} per key; one state for the whole pipeline`
  const rows = [
    ...reads.map((r) => ['reads', `${r.edge}${r.edge === r.port ? '' : ` as ${r.port}`} (${r.kind}): ${how[r.how]}`]),
    ...speaks.map((s) => ['speaks', `${s.edge} (${s.kind}): ${s.guarantee}`]),
    ...(state === undefined
      ? []
      : [
          ['state', size],
          ['after a gap', state.after_gap],
          ...state.timers.map((timer) => ['timer', timer]),
          ...(state.takes_late_rows ? [['late rows', 'also reach it']] : []),
        ]),
    ...(lateness === undefined
      ? []
      : [
          [
            'lateness',
            lateness === '0s'
              ? 'none: a row older than the newest of its group is late'
              : `rows may lag ${lateness} behind the newest`,
          ],
        ]),
    ...(delivery === undefined ? [] : [['delivery', delivery]]),
  ]
  return [`${id}: ${component} (${role}, version ${version})`, `  ${summary}`, aligned(rows)].join('\n')
}
