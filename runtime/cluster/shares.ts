import { createHash } from 'node:crypto'

/**
 * Who does which task: the same answer wherever it is worked out, as even as can be, and with few moves when a worker
 * comes or goes. Each task goes to the worker that ranks highest for it (rendezvous hashing: Thaler, Ravishankar, 1998)
 * among those that have room.
 */
export function shares(tasks: readonly string[], workers: readonly string[]): ReadonlyMap<string, string> {
  const owners = new Map<string, string>()
  if (workers.length === 0) return owners
  const room = Math.ceil(tasks.length / workers.length)
  const load = new Map(workers.map((worker) => [worker, 0]))
  for (const task of tasks.toSorted()) {
    const ranked = workers.toSorted((a, b) => (rank(task, b) < rank(task, a) ? -1 : 1))
    const owner = ranked.find((worker) => (load.get(worker) as number) < room) as string
    load.set(owner, (load.get(owner) as number) + 1)
    owners.set(task, owner)
  }
  return owners
}
const rank = (task: string, worker: string): string => createHash('sha256').update(`${task}\0${worker}`).digest('hex')
