import type { State } from './define.ts'
import type { Running } from './network.ts'
import type { Waking } from './passes.ts'
import type { PlannedNode } from './plan.ts'

/** A node called on the event-time grid. */
export interface Tick<N> {
  readonly node: N
  readonly every: number
  readonly right: boolean
}

/** Longer periods first, then in node order: the order at one boundary. */
export function timersOf<N extends { readonly planned: PlannedNode }>(nodes: readonly N[]): readonly Tick<N>[] {
  return nodes
    .flatMap((node): Tick<N>[] => {
      const { timer } = node.planned.operator
      if (timer === undefined) return []
      const every = timer.every(node.planned.params as never)
      const right = timer.closed?.(node.planned.params as never) === 'right'
      return [{ node, every, right }]
    })
    .sort((a, b) => b.every - a.every)
}

/** Its timer may be idle. One of the whole pipeline is called once, whatever it is. */
export const sleeps = ({ planned: { operator }, wide }: Running): boolean => !wide && operator.timer?.idle !== undefined

/** The call of a timer. A node that is idle after it is left alone until the next message for the key. */
export function firing(node: Running, code: number, at: number): Waking {
  const { planned, awake } = node
  const rests = sleeps(node)
  const { fire, idle } = planned.operator.timer as unknown as {
    readonly fire: (state: State, at: number, env: unknown) => unknown
    readonly idle: (state: State) => boolean
  }
  return (state, env) => {
    const answer = fire(state, at, env)
    if (rests && idle(state) === true) awake[code] = 0
    return answer
  }
}

/**
 * When a timer is due next after a watermark that ran everything due up to itself. A left-closed window is due when the
 * watermark reaches its boundary, a right-closed one a microsecond later: a row stamped at the boundary still belongs to it.
 */
export function dueAfter({ every, right }: { readonly every: number; readonly right: boolean }, mark: number): number {
  return right ? Math.ceil(mark / every) * every + 1 : (Math.floor(mark / every) + 1) * every
}
