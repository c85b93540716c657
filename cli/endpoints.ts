import { TidegateError } from '../schemas/errors.ts'
import type { Args } from './verb.ts'

export const endpointOption = {
  type: 'string',
  multiple: true,
  value: 'SOURCE=URL',
  help: 'an address in place of the venue of a source, or of an endpoint that a definition names',
} as const

/** @throws USAGE */
export function endpointsOf(args: Pick<Args, 'values'>): (source: string) => string | undefined {
  const given = new Map(
    (args.values['endpoint'] ?? []).map((text) => {
      const at = text.indexOf('=')
      if (at < 1) throw new TidegateError('USAGE', `--endpoint ${text}: expected SOURCE=URL`)
      return [text.slice(0, at), text.slice(at + 1)] as const
    }),
  )
  return (source) => given.get(source)
}
