import type { Clock } from '../../runtime/define.ts'
import { RpcFailure } from '../../runtime/define.ts'

/**
 * Asks one after the other, each once: the next when the one before is late by its own patience (µs), or at once when it
 * fails. The first answer counts. @throws RpcFailure a refusal where anyone gave one, else the last failure
 */
export function firstAnswer<N, T>(
  queue: readonly N[],
  { clock, ask, patience }: { clock: Clock; ask: (one: N) => Promise<T>; patience: (one: N) => number },
): Promise<T> {
  return new Promise((resolve, reject) => {
    const left = [...queue]
    let open = 0
    let state: 'asking' | 'settled' = 'asking'
    let last: unknown = new RpcFailure('unreachable', 'no endpoint to ask')
    let cancel = () => {}
    const settle = (how: () => void) => {
      if (state === 'settled') return
      state = 'settled'
      cancel()
      how()
    }
    const next = () => {
      cancel()
      const one = left.shift()
      if (one === undefined) {
        if (open === 0) settle(() => reject(last as RpcFailure))
        return
      }
      open++
      cancel = clock.after(patience(one), next)
      ask(one).then(
        (answer) => settle(() => resolve(answer)),
        (failure: unknown) => {
          open--
          if (!(last instanceof RpcFailure && last.reason === 'refused')) last = failure
          if (state === 'asking') next()
        },
      )
    }
    next()
  })
}
