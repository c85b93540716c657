import { TidegateError } from '../../../schemas/errors.ts'

export const lost = (stream: string, reason: string): TidegateError =>
  new TidegateError('LOG_LOST', `${stream}: ${reason}`, { stream })
