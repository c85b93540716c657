import type { Binding } from '../runtime/feed.ts'
import type { Plan } from '../runtime/plan.ts'
import { openTape, type Tape } from '../runtime/tape.ts'
import { TidegateError } from '../schemas/errors.ts'
import type { Args } from './verb.ts'

export const bindOptions = {
  tape: {
    type: 'string',
    multiple: true,
    value: 'TAPE[:SYMBOL]',
    help: 'recorded data for the sources, in drawing order; one tape serves all',
  },
  bind: { type: 'string', multiple: true, value: 'NODE=TAPE[:SYMBOL]', help: 'recorded data for one source' },
} as const

interface Bound {
  readonly tape: Tape
  readonly symbol: string | undefined
}
/** `file.tape:BTCUSDT`: the symbol is what follows `.tape:`. */
function openBound(text: string): Bound {
  const [, path = text, symbol] = /^(.*\.tape):(.+)$/.exec(text) ?? []
  return { tape: openTape(path), symbol }
}

/**
 * Which recorded data each source of a plan reads. Sources that are not named stay as they are.
 * @throws BINDING_INVALID, FILE_ABSENT, and what opening a tape throws
 */
export function bindingsOf(plan: Plan, args: Args): ReadonlyMap<string, Binding> {
  const bindings = new Map<string, Binding>()
  const bind = (id: string, { tape, symbol }: Bound) => {
    const source = plan.sources.find((s) => s.id === id)
    if (source === undefined)
      throw new TidegateError(
        'BINDING_INVALID',
        `no source "${id}" in the definition; it has ${plan.sources.map((s) => s.id).join(', ')}`,
        { node: id },
      )
    const { kind } = source.component.output
    const held = Object.keys(tape.info.kinds)
    if (!held.includes(kind))
      throw new TidegateError(
        'BINDING_INVALID',
        `node "${id}" (${source.component.name}) gives ${kind}, but ${tape.path} holds ${held.join(', ') || 'nothing'}`,
        { node: id, expected: kind, found: held },
      )
    const { keys } = tape.info
    if (symbol !== undefined && !keys.some((key) => key === symbol || key.slice(key.indexOf(':') + 1) === symbol))
      throw new TidegateError('BINDING_INVALID', `no "${symbol}" in ${tape.path}; it holds ${keys.join(', ')}`, {
        node: id,
        symbol,
        keys,
      })
    bindings.set(id, { type: 'recording', recording: tape, symbol })
  }
  const tapes = (args.values['tape'] ?? []).map(openBound)
  const open = plan.sources.filter((s) => s.component.generate === undefined || tapes.length > 0)
  if (tapes.length > 1 && tapes.length !== open.length)
    throw new TidegateError(
      'BINDING_INVALID',
      `${tapes.length} tapes for ${open.length} sources (${open.map((s) => s.id).join(', ')}); name them with --bind NODE=TAPE`,
    )
  for (const [i, source] of open.entries()) {
    const tape = tapes.length === 1 ? tapes[0] : tapes[i]
    if (tape !== undefined) bind(source.id, tape)
  }
  for (const text of args.values['bind'] ?? []) {
    const [, id = '', rest] = /^([^=]+)=(.+)$/.exec(text) ?? []
    if (rest === undefined) throw new TidegateError('USAGE', `--bind ${text}: expected NODE=TAPE[:SYMBOL]`)
    bind(id, openBound(rest))
  }
  return bindings
}
