import { toJson } from '../runtime/json.ts'
import type { Plan } from '../runtime/plan.ts'
import type { Watch } from '../runtime/watch.ts'
import { TidegateError } from '../schemas/errors.ts'
import { formatTime } from '../schemas/units.ts'
import type { Args, Io } from './verb.ts'

export const traceOption = {
  type: 'string',
  multiple: true,
  value: 'NODE',
  help: 'print what this node saw and said, to stderr',
} as const

/** Prints the messages into and the answers out of the nodes that are traced. */
export function tracer(plan: Plan, args: Args, io: Io): Watch {
  const traced = new Set(args.values['trace'] ?? [])
  if (traced.size === 0) return {}
  const nodes = [...plan.sources, ...plan.nodes, ...plan.sinks].map((n) => n.id)
  for (const id of traced)
    if (!nodes.includes(id))
      throw new TidegateError('USAGE', `--trace ${id}: no such node; the definition has ${nodes.join(', ')}`)
  const into = new Map<string, string[]>()
  for (const { id, inputs, latest } of plan.nodes) {
    if (!traced.has(id)) continue
    for (const [port, edges] of Object.entries(inputs))
      for (const edge of edges) into.set(edge, [...(into.get(edge) ?? []), `${id}.${port}`])
    for (const [port, edge] of Object.entries(latest))
      into.set(edge, [...(into.get(edge) ?? []), `${id}.${port} (latest)`])
  }
  return {
    message(edge, key, at, value) {
      for (const port of into.get(edge) ?? []) io.say(`${formatTime(at)} ${key} ${port} <- ${toJson(value)}`)
      if (traced.has(edge.split('.')[0] as string)) io.say(`${formatTime(at)} ${key} ${edge} -> ${toJson(value)}`)
    },
  }
}
