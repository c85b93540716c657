import { TidegateError } from '../schemas/errors.ts'

/** Why a pipeline does not trade live. */
export function refuseLive(pipeline: string, confirmed: string | undefined): TidegateError {
  if (confirmed === undefined)
    return new TidegateError('LIVE_REFUSED', `live trading of ${pipeline} needs --confirm ${pipeline}`, { pipeline })
  if (confirmed !== pipeline)
    return new TidegateError('LIVE_REFUSED', `--confirm names "${confirmed}", the pipeline is ${pipeline}`, {
      pipeline,
      confirmed,
    })
  return new TidegateError('LIVE_REFUSED', `${pipeline}: this version has no execution sink with a live side`, {
    pipeline,
  })
}
