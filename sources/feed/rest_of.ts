import type { SourceContext } from '../../runtime/define.ts'
import { Rest } from './rest.ts'
import type { Channel } from './venue.ts'

/** The REST interface of a channel. A feed that was pointed elsewhere never asks the venue itself. */
export function restOf<T>(channel: Channel<T>, context: SourceContext, endpoint: string | undefined): Rest | undefined {
  const base = context.endpoint(`${channel.name}.rest`) ?? (endpoint === undefined ? channel.rest : undefined)
  if (base === undefined) return undefined
  const { clock, random, wire } = context
  return new Rest({ base, clock, random, wire, pace: channel.restPace ?? 0 })
}
