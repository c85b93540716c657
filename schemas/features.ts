import { z } from 'zod'
import { type Kind, kind } from './kind.ts'

/** A bare number: the cheapest message there is, and the easiest to write. */
export const Scalar = kind('scalar', z.number(), { summary: 'One number: a feature, an indicator, a score.' })

/** A kind of several named f64 features, such as the lines of one indicator. */
export function features<const Name extends string, const F extends Readonly<Record<string, string>>>(
  name: Name,
  summary: string,
  fields: F,
): Kind<Name, { readonly [N in keyof F]: number }> {
  const shape = Object.fromEntries(Object.entries(fields).map(([field, words]) => [field, z.number().describe(words)]))
  return kind(name, z.object(shape) as unknown as z.core.$ZodType<{ readonly [N in keyof F]: number }>, { summary })
}

export const Macd = features('macd', 'The lines of a moving average convergence divergence.', {
  line: 'fast minus slow average, quote units',
  signal: 'average of the line, quote units',
  histogram: 'line minus signal, quote units',
})

export const Bands = features('bands', 'A moving mean and the bands around it.', {
  middle: 'the mean, quote units',
  upper: 'mean plus deviations, quote units',
  lower: 'mean minus deviations, quote units',
  place: 'where the close stands: 0 at the lower band, 1 at the upper, 0.5 when the bands meet',
  width: 'upper minus lower, over the mean',
})
