import type { Catalogue } from '../../runtime/define.ts'
import { nearest } from '../../runtime/nearest.ts'
import { paramNames } from '../../runtime/param_problems.ts'
import { componentOf } from '../../runtime/wiring.ts'
import { TidegateError } from '../../schemas/errors.ts'
import type { NodeSpec } from '../../schemas/spec.ts'
import { withParam } from '../definition.ts'
import { type Scalar, valuesOf } from './values.ts'

/** The most variants one sweep runs. */
export const MOST_VARIANTS = 100_000

/** A param that is varied, and the values it takes in turn. */
export interface Axis {
  readonly node: string
  readonly param: string
  readonly values: readonly Scalar[]
}
/** What sets a variant apart: its values, by `node.param`. */
export type Params = Readonly<Record<string, Scalar>>

/**
 * What `--vary node.param=VALUES` says, each of them.
 * @throws USAGE for bad forms, for nodes and params the definition does not have, and for too many variants
 */
export function axesOf(texts: readonly string[], raw: unknown, catalogue: Catalogue): readonly Axis[] {
  if (texts.length === 0) throw new TidegateError('USAGE', 'sweep: expected --vary NODE.PARAM=VALUES, found none')
  const axes = texts.map((text) => axisOf(text, raw, catalogue))
  const names = axes.map(nameOf)
  const twice = names.find((name, i) => names.indexOf(name) < i)
  if (twice !== undefined) throw new TidegateError('USAGE', `--vary ${twice}: expected once, found twice`)
  const count = countOf(axes)
  if (count > MOST_VARIANTS)
    throw new TidegateError(
      'USAGE',
      `expected at most ${MOST_VARIANTS.toLocaleString('en')} variants, found ${axes.map((a) => a.values.length).join(' x ')} = ${count.toLocaleString('en')}; take fewer values or a larger step`,
      { count },
    )
  return axes
}

function axisOf(text: string, raw: unknown, catalogue: Catalogue): Axis {
  const [, node = '', param = '', values] = /^([^.=]+)\.([^=]+)=(.*)$/s.exec(text) ?? []
  const option = `--vary ${text}`
  const wrong = (reason: string) => new TidegateError('USAGE', `${option}: ${reason}`, { option })
  if (values === undefined) throw wrong('expected NODE.PARAM=VALUES, such as trend.span=5..50')
  const nodes = (raw as { nodes?: Record<string, NodeSpec | null> | null } | null)?.nodes ?? {}
  const meant = (name: string, of: readonly string[]) => {
    const near = nearest(name, of)
    return near === undefined ? `it has ${of.join(', ') || 'none'}` : `did you mean "${near}"?`
  }
  if (!Object.hasOwn(nodes, node))
    throw wrong(`no node "${node}" in the definition; ${meant(node, Object.keys(nodes))}`)
  const component = componentOf(nodes[node] ?? ({ op: '' } as NodeSpec), catalogue)
  // what the component is, and whether there is one, is for the check of the definition
  const known = component === undefined ? [param] : paramNames(component)
  if (!known.includes(param)) throw wrong(`${component?.name} has no param "${param}"; ${meant(param, known)}`)
  return { node, param, values: valuesOf(values, option, MOST_VARIANTS) }
}

const nameOf = ({ node, param }: Axis): string => `${node}.${param}`
export const countOf = (axes: readonly Axis[]): number => axes.reduce((count, { values }) => count * values.length, 1)

/** The values of a place in the product; the last axis turns fastest. */
export function paramsAt(axes: readonly Axis[], index: number): Params {
  let rest = index
  const picked = axes.toReversed().map((axis) => {
    const { values } = axis
    const value = values[rest % values.length] as Scalar
    rest = Math.floor(rest / values.length)
    return [nameOf(axis), value] as const
  })
  return Object.fromEntries(picked.toReversed())
}

/** The definition of a place in the product. */
export function definitionAt(raw: unknown, axes: readonly Axis[], index: number): unknown {
  const params = paramsAt(axes, index)
  return axes.reduce((definition, axis) => withParam(definition, axis.node, axis.param, params[nameOf(axis)]), raw)
}

/** `trend.span=10 bars.every=1m`. */
export const paramsText = (params: Params): string =>
  Object.entries(params)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ')
