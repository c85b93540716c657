import { generate } from '../../schemas/generate.ts'
import type { State, StateValue } from '../define.ts'
import { isRing } from './ring.ts'

/**
 * Objects of one hidden class for the life of the process. A handler that many nodes and engines share must always see
 * the same class, or V8 forgets what it knows of it (ten averages on every tick: 158 ns instead of 19); and fields of a
 * class whose first object held doubles keep doubles in place, where a literal `{ seen: 0 }` begins with small integers
 * and changes its class on the way.
 */
type Make<T> = (like: T) => T
/** A class whose constructor takes the fields in order; undefined where code generation is switched off. */
export type Shape = (new (...fields: never[]) => object) | undefined

/** A class of these fields. The sample is its first object. */
export function shapeOf(names: readonly string[], sample: readonly unknown[]): Shape {
  const sets = names.map((name, i) => `this[${JSON.stringify(name)}]=a${i};`).join('')
  const body = `const S=function(${names.map((_, i) => `a${i}`).join(',')}){${sets}};S.prototype=Object.prototype;return S`
  const shape = generate<() => Shape>([], body, {})?.()
  if (shape !== undefined) new shape(...(sample as never[]))
  return shape
}

const isPlain = (value: StateValue): value is State => typeof value === 'object' && value !== null && !isRing(value)

/** The same without generated text: an author may hand out one object for every key. */
const copied = (like: State): State =>
  Object.fromEntries(Object.entries(like).map(([name, value]) => [name, isPlain(value) ? copied(value) : value]))

function stateShape(sample: State): Make<State> {
  const scope: Record<string, unknown> = {}
  const first: State = {}
  const sets = Object.entries(sample).map(([name, value], i) => {
    const field = JSON.stringify(name)
    first[name] = typeof value === 'number' ? 0.5 : value
    if (!isPlain(value)) return `this[${field}]=s[${field}];`
    scope[`M${i}`] = partShape(value)
    return `this[${field}]=M${i}(s[${field}]);`
  })
  const body = `const S=function(s){${sets.join('')}};S.prototype=Object.prototype;return (s)=>new S(s)`
  const make = generate<() => Make<State>>([], body, scope)?.()
  make?.(first)
  return make ?? copied
}

/** Parts of one form are of one class, wherever they stand: code that takes the one or the other sees no difference. */
const parts = new Map<string, Make<State>>()
function partShape(sample: State): Make<State> {
  const form = JSON.stringify(sample, (_, v: unknown) =>
    isRing(v as never) ? 'ring' : typeof v === 'object' ? v : typeof v,
  )
  const make = parts.get(form) ?? stateShape(sample)
  parts.set(form, make)
  return make
}

const known = new WeakMap<object, Map<string, Make<State>>>()
/**
 * Takes what `init` or `each` of an operator made over into the class of its states. `of` names which of the two,
 * `fields` what the sample holds: params may decide that.
 */
export function adopterOf(of: object, fields: string, sample: State): Make<State> {
  const shapes = known.get(of) ?? new Map<string, Make<State>>()
  known.set(of, shapes)
  const make = shapes.get(fields) ?? stateShape(sample)
  shapes.set(fields, make)
  return make
}
