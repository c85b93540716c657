import { z } from 'zod'
import { nearest } from '../../runtime/nearest.ts'
import { columnsOf, isBare } from '../../schemas/columns.ts'
import { fixed, notionalOf } from '../../schemas/fixed.ts'
import type { Kind } from '../../schemas/kind.ts'

/** What a person may leave out of a message, worked out from what is there. */
const usual: Readonly<Record<string, (given: Fields, at: number) => Fields>> = {
  trade: () => ({ size: 1, side: 1, id: 0 }),
  quote: ({ bid, ask }) => ({ bid: ask, ask: bid, bid_size: 1, ask_size: 1 }),
  bar({ close, volume = 1 }) {
    const turnover = typeof close === 'number' && typeof volume === 'number' ? close * volume : undefined
    return { open: close, high: close, low: close, volume: 1, turnover, count: 1, complete: true }
  },
  signal: ({ direction }) => ({ strength: direction, price: 100 }),
  order_intent: () => ({ limit: 0, price: 100 }),
  approved_order: () => ({ limit: 0, price: 100 }),
  fill({ price = 100, quantity }, at) {
    const known = typeof price === 'number' && (typeof quantity === 'number' || typeof quantity === 'string')
    const notional = known ? notionalOf(price, fixed(quantity)) : undefined
    return { order_at: at, order_ordinal: 0, price: 100, notional, fee: 0 }
  },
  order_update: (_given, at) => ({ order_at: at, order_ordinal: 0, reason: 'none' }),
  gap: () => ({ reason: 'disconnected', missing: 0, since: 0 }),
}
type Fields = Readonly<Record<string, unknown>>

/** The fields of a kind that have a usual value. */
export const usualOf = (kind: Kind, given: Fields, at: number): Fields => usual[kind.kind]?.(given, at) ?? {}

/**
 * A message as a person wrote it, made whole and checked. Money may be a number or decimal text; a bare number may
 * stand as itself or as `{ value }`.
 * @returns the message, or what was expected and what was found
 */
export function messageOf(
  kind: Kind,
  given: unknown,
  at: number,
): { readonly value: unknown } | { readonly problem: string } {
  const written = isBare(kind) && isFields(given) && 'value' in given ? given['value'] : given
  if (isBare(kind)) return checked(kind, unwritten(written))
  if (!isFields(written))
    return { problem: `expected a ${kind.kind} with ${names(kind).join(', ')}, found ${JSON.stringify(given)}` }
  const unknown = Object.keys(written).find((name) => !names(kind).includes(name))
  if (unknown !== undefined) {
    const near = nearest(unknown, names(kind))
    return {
      problem: `${kind.kind} has no field "${unknown}"; ${near ? `did you mean "${near}"?` : `it has ${names(kind).join(', ')}`}`,
    }
  }
  const whole: Record<string, unknown> = { ...usualOf(kind, written, at), ...written }
  for (const { name, type } of columnsOf(kind))
    if (type === 'fixed') {
      const money = moneyOf(whole[name])
      if (money === undefined)
        return { problem: `${name}: expected a decimal number, found ${JSON.stringify(whole[name])}` }
      whole[name] = money
    } else whole[name] = unwritten(whole[name])
  return checked(kind, whole, written)
}

const names = (kind: Kind): readonly string[] => columnsOf(kind).map((c) => c.name)
const isFields = (given: unknown): given is Fields =>
  typeof given === 'object' && given !== null && !Array.isArray(given)
/** Minus zero, which JSON cannot write. */
const unwritten = (value: unknown): unknown => (value === '-0' ? -0 : value)

export function moneyOf(given: unknown): bigint | undefined {
  if (typeof given === 'bigint') return given
  if (
    typeof given === 'number' ? !Number.isFinite(given) : typeof given !== 'string' || !/^-?\d+(?:\.\d+)?$/.test(given)
  )
    return undefined
  return fixed(given as number | string)
}

/** Of a field that was worked out from a wrong one the wrong one is told. */
function checked(
  kind: Kind,
  value: unknown,
  written: Fields = {},
): { readonly value: unknown } | { readonly problem: string } {
  const parsed = z.safeParse(kind.schema, value)
  if (parsed.success) return { value: parsed.data }
  const { issues } = parsed.error
  const issue = issues.find(({ path }) => String(path[0]) in written) ?? issues[0]
  const path = (issue?.path ?? []).join('.')
  const found = path === '' ? value : (value as Fields)[path]
  const sentence = found === undefined ? 'is missing' : `${issue?.message}, found ${JSON.stringify(found)}`
  return {
    problem: `${kind.kind}${path === '' ? '' : `.${path}`} ${found === undefined ? sentence : `is not valid: ${sentence}`}`,
  }
}
