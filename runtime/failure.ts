import { TidegateError } from '../schemas/errors.ts'
import { formatTime } from '../schemas/units.ts'
import type { Failure } from './watch.ts'

/** A failure in words: node, operator, instrument, time, row, and what was thrown. */
export function failureOf({ node, operator, key, at, row, cause }: Failure): TidegateError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  const where = `node "${node}" (${operator}) failed for ${key} at ${formatTime(Math.max(0, at))}, input row ${row}`
  return new TidegateError('OPERATOR_FAILED', `${where}: ${reason}`, { node, operator, key, at, row }, cause)
}

/** Keeps the first failure, for those who cannot go on with one. */
export class FirstFailure {
  private first: Failure | undefined
  readonly failed = (failure: Failure): void => {
    this.first ??= failure
  }
  /** @throws OPERATOR_FAILED */
  check(): void {
    if (this.first === undefined) return
    const failure = this.first
    this.first = undefined
    throw failureOf(failure)
  }
}
