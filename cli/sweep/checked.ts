import type { Catalogue } from '../../runtime/define.ts'
import { type Plan, plan as planOf } from '../../runtime/plan.ts'
import { isTidegateError, TidegateError } from '../../schemas/errors.ts'
import { type Axis, countOf, definitionAt, type Params, paramsAt, paramsText } from './vary.ts'

export interface Invalid {
  readonly params: Params
  readonly reason: string
}
export interface Checked {
  /** Of the first variant that is valid. */
  readonly plan: Plan
  /** Places in the product that are valid. */
  readonly places: readonly number[]
  readonly invalid: readonly Invalid[]
}

const SHOWN = 5

/**
 * Plans every variant before the first one runs.
 * @throws DEFINITION_INVALID naming the invalid ones, or, where those may be skipped, when none is left
 */
export function checkVariants(
  raw: unknown,
  axes: readonly Axis[],
  catalogue: Catalogue,
  { skipInvalid, progress }: { readonly skipInvalid: boolean; readonly progress: (share: number) => void },
): Checked {
  const count = countOf(axes)
  const places: number[] = []
  const invalid: Invalid[] = []
  let first: Plan | undefined
  for (let place = 0; place < count; place++) {
    try {
      const plan = planOf(definitionAt(raw, axes, place), catalogue, 'backtest')
      first ??= plan
      places.push(place)
    } catch (error) {
      if (!isTidegateError(error)) throw error
      invalid.push({ params: paramsAt(axes, place), reason: reasonOf(error) })
    }
    progress((place + 1) / count)
  }
  if (first === undefined || (invalid.length > 0 && !skipInvalid)) throw refusal(invalid, count)
  return { plan: first, places, invalid }
}

const reasonOf = ({ message, info }: TidegateError): string => {
  const problems = info['problems'] as readonly { path: string; message: string }[] | undefined
  return problems?.map(({ path, message: what }) => `${path}: ${what}`).join('; ') ?? message
}

function refusal(invalid: readonly Invalid[], count: number): TidegateError {
  const lines = invalid.slice(0, SHOWN).map(({ params, reason }) => `${paramsText(params)}: ${reason}`)
  const more = invalid.length - lines.length
  return new TidegateError(
    'DEFINITION_INVALID',
    [
      `${invalid.length.toLocaleString('en')} of ${count.toLocaleString('en')} variants are invalid${invalid.length < count ? '; leave them out of --vary, or add --skip-invalid' : ''}`,
      ...lines,
      ...(more > 0 ? [`and ${more.toLocaleString('en')} more`] : []),
    ].join('\n'),
    { invalid: invalid.slice(0, SHOWN), count: invalid.length },
  )
}
