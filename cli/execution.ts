import type { ExecutionName } from '../runtime/engine.ts'
import { failureOf } from '../runtime/failure.ts'
import type { Failure } from '../runtime/watch.ts'
import { TidegateError } from '../schemas/errors.ts'
import type { Args, Io } from './verb.ts'

export const executionOption = {
  type: 'string',
  value: 'interpret|compile',
  help: 'how the plan is run; both give the same, compile is faster and chosen unless nodes are traced',
} as const

/** @throws USAGE */
export function executionOf(args: Args): ExecutionName | undefined {
  const value = args.value('execution')
  if (value !== undefined && value !== 'interpret' && value !== 'compile')
    throw new TidegateError('USAGE', `--execution: expected interpret or compile, found "${value}"`)
  if (value === 'compile' && args.values['trace'] !== undefined)
    throw new TidegateError('USAGE', '--trace shows what the interpreter does: expected --execution interpret, or none')
  return value
}

const SHOWN = 5
/** Tells of nodes that threw, the first few of them in full; `exit` is 1 once one did. */
export function failureTeller(io: Io): { readonly failed: (failure: Failure) => void; exit(): number } {
  let count = 0
  return {
    failed(failure) {
      if (count++ < SHOWN) io.say(`OPERATOR_FAILED: ${failureOf(failure).message}; it is left out there from now on`)
      else if (count === SHOWN + 1) io.say('more nodes failed; the report counts them')
    },
    exit: () => (count > 0 ? 1 : 0),
  }
}
