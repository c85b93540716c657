import type { Plan } from '../runtime/plan.ts'
import { TidegateError } from '../schemas/errors.ts'
import type { Args } from './verb.ts'

/** @throws LIVE_REFUSED where there is no consent, nothing that trades, or data that are not of now */
export function refuseLive({ pipeline, executors, sources }: Plan, args: Args): void {
  const refuse = (why: string, info: Readonly<Record<string, unknown>> = {}) =>
    new TidegateError('LIVE_REFUSED', why, { pipeline, ...info })
  const confirmed = args.value('confirm')
  if (confirmed === undefined) throw refuse(`live trading of ${pipeline} needs --confirm ${pipeline}`)
  if (confirmed !== pipeline) throw refuse(`--confirm names "${confirmed}", the pipeline is ${pipeline}`, { confirmed })
  if (executors.length === 0) throw refuse(`${pipeline} has no execution sink with a live side`)
  for (const option of ['bind', 'from', 'to', 'speed'])
    if (args.values[option] !== undefined) throw refuse(`--${option} is for recorded data: live takes live feeds only`)
  const made = sources.find((s) => s.passive !== true && s.component.open === undefined)
  if (made !== undefined)
    throw refuse(`source "${made.id}" makes its data: live takes live feeds only`, { source: made.id })
}
