import { createHash } from 'node:crypto'
import { layout, type Range } from '../log/layout.ts'
import type { Plan, PlannedSource } from '../plan.ts'

/**
 * The name of what a source gives: component, version and params. Sources of several pipelines that ask for the same share
 * one feed, and one stream of ticks.
 */
export function feedName({ component, params }: PlannedSource): string {
  const said = JSON.stringify([component.name, component.version, params], (_key, value) =>
    typeof value === 'bigint' ? `${value}n` : value,
  )
  return `${component.name}-${createHash('sha256').update(said).digest('hex').slice(0, 8)}`
}

/** The tick stream of each source of a plan, for a range of its keys. */
export const tickStreams = (plan: Plan, range: Range): readonly { readonly source: string; readonly name: string }[] =>
  plan.sources.map((source) => ({ source: source.id, name: layout.tick(feedName(source), range) }))

export const rangesOf = (of: number): readonly Range[] => Array.from({ length: of }, (_, part) => ({ part, of }))

/** Why a plan cannot be cut into so many ranges, if so: nodes of the whole pipeline need all keys in one place. */
export function uncut(plan: Plan, ranges: number): string | undefined {
  const wide = plan.nodes.filter(({ operator }) => operator.scope === 'pipeline').map(({ id }) => id)
  if (ranges === 1 || wide.length === 0) return undefined
  return `${ranges} ranges, but ${wide.join(', ')} sees the whole pipeline and needs all keys in one place`
}
