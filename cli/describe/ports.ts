import { isKind, isMany, type Operator, type Shape, type Sink, type Source } from '../../runtime/define.ts'
import type { Kind } from '../../schemas/kind.ts'
import { FeedEvent, Gap, Invalid } from '../../schemas/market.ts'

/** How a port is fed. */
export type Way = 'calls' | 'optional' | 'feedback' | 'latest' | 'ambient'
export interface ReadPort {
  readonly port: string
  readonly kind: string
  readonly way: Way
  /** It works without being wired. */
  readonly optional: boolean
  readonly meaning: string
}
export interface SpokenPort {
  /** Empty for the one output of a node: its edge is the node's id. */
  readonly port: string
  readonly kind: string
  /** An answer may hold several messages. */
  readonly many: boolean
  readonly recorded: boolean
  readonly meaning: string
}

const meanings: Readonly<Record<Way, string>> = {
  calls: 'every message calls it',
  optional: 'every message calls it; may be left unwired',
  feedback: 'closes a loop: every message calls it, and it never answers at once',
  latest: 'only the newest message is looked at; it never calls',
  ambient: 'wired by itself to every source of that kind',
}

export function readsOf(component: Operator | Sink): readonly ReadPort[] {
  const inOrder = component.role === 'operator' ? component.in_order : []
  const row = (port: string, kind: Kind, way: Way, optional: boolean, more = ''): ReadPort => ({
    port,
    kind: kind.kind,
    way,
    optional,
    meaning: `${meanings[way]}${more}${inOrder.includes(port) ? '; hears nothing older than what such ports have heard' : ''}`,
  })
  const feedback = component.role === 'operator' ? component.feedback : []
  const inputs = Object.entries(component.inputs).map(([port, kind]) => {
    const optional = component.optional.includes(port)
    if (feedback.includes(port)) return row(port, kind, 'feedback', optional, optional ? '; may be left unwired' : '')
    return row(port, kind, optional ? 'optional' : 'calls', optional)
  })
  if (component.role === 'sink') return inputs
  const latest = Object.entries(component.latest).map(([port, kind]) => {
    const before =
      port in component.before ? '; has a value before it has spoken' : '; the operator waits until it has spoken'
    return row(
      port,
      kind,
      'latest',
      port in component.absent,
      port in component.absent ? `${before}; may be left unwired` : before,
    )
  })
  return [
    ...inputs,
    ...latest,
    ...Object.entries(component.ambient).map(([port, kind]) => row(port, kind, 'ambient', true)),
  ]
}

export function spokenOf(component: Source | Operator | Sink): readonly SpokenPort[] {
  const row = (port: string, kind: Kind, meaning = kind.summary): SpokenPort => ({
    port,
    kind: kind.kind,
    many: isMany(kind),
    recorded: kind.recorded,
    meaning,
  })
  if (component.role === 'source')
    return [
      row('', component.output),
      row('late', component.output, 'rows that came after the watermark'),
      row('gap', Gap, 'where continuity of the feed broke'),
      row('invalid', Invalid, 'what was kept out: rubbish, and data that cannot be true'),
      row('event', FeedEvent, 'what the feed lived through: connections, rows asked for again, its clock'),
    ]
  const output: Shape = component.output
  return isKind(output) ? [row('', output)] : Object.entries(output).map(([port, kind]) => row(port, kind))
}

/** What an operator does besides answering messages, a phrase each. */
export function habitsOf(operator: Operator): readonly string[] {
  const gaps = {
    keep: 'goes on after a gap of the feed as if nothing happened',
    mark: 'marks its state after a gap of the feed',
    reset: 'starts afresh after a gap of the feed',
  }
  return [
    operator.scope === 'pipeline' ? 'one state for the whole pipeline, with a part per key' : 'one state per key',
    Object.values(operator.ambient).some((k) => k.kind === 'gap')
      ? 'reads gaps of the feed as messages'
      : gaps[operator.on_gap],
    ...(operator.timer === undefined ? [] : ['is called on the event-time grid']),
    ...(operator.alarm === undefined ? [] : ['sets alarms of its own']),
    ...(operator.end === undefined ? [] : ['speaks once more when a finite input ends']),
    ...(operator.late ? ['also takes late rows'] : []),
    ...(operator.always ? ['answers every message'] : ['may be silent']),
  ]
}
