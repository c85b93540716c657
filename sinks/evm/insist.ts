import { type Clock, pause, RpcFailure } from '../../runtime/define.ts'
import { TidegateError } from '../../schemas/errors.ts'

export type Insist = <T>(work: () => Promise<T>) => Promise<T>
const ATTEMPTS = 10

/** Nodes fail now and then: a question is put for a while. @throws ENDPOINT_UNREACHABLE */
export const insistentFor =
  ({ clock, node }: { readonly clock: Clock; readonly node: string }): Insist =>
  async (work) => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await work()
      } catch (error) {
        if (!(error instanceof RpcFailure)) throw error
        if (attempt === ATTEMPTS)
          throw new TidegateError('ENDPOINT_UNREACHABLE', `${node}: no endpoint answers: ${error.message}`, { node })
        await pause(clock, Math.max(error.after, attempt * 0.1e6))
      }
    }
  }
