import type { Running } from '../network.ts'
import { stateOf } from './names.ts'

/** A state of more slots costs more to compare than to save. */
const MOST_SLOTS = 16

export interface Change {
  /** Statements before the state is handed out: they remember it. */
  readonly before: readonly string[]
  /** True where it is another one afterwards. */
  readonly changed: string
}

/**
 * How a program sees whether a timer changed its state: most keys have nothing to close when it fires, and what did not
 * change need not be looked at by who saves. Undefined where the state is the whole pipeline's, has parts, or is large.
 */
export function changeOf(node: Running): Change | undefined {
  const { leaves, width } = node.layouts.state
  if (node.wide || node.layouts.each.width > 0 || width > MOST_SLOTS) return undefined
  const values = leaves.flatMap(({ path, type, width: slots }) => {
    const leaf = `${stateOf(node)}${path.map((name) => `[${JSON.stringify(name)}]`).join('')}`
    if (type !== 'ring') return [leaf]
    return [`${leaf}.next`, `${leaf}.count`, ...Array.from({ length: slots - 2 }, (_, i) => `${leaf}.data[${i}]`)]
  })
  if (values.length === 0) return undefined
  const name = (i: number) => `was_${i}`
  return {
    before: [`const ${values.map((value, i) => `${name(i)} = ${value}`).join(', ')};`],
    // a zero may change its sign
    changed: values.map((value, i) => `!Object.is(${value}, ${name(i)})`).join(' || '),
  }
}
