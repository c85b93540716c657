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

/**
 * Who does which tasks of several pipelines. What some worker cannot plan is not in its list, so such pipelines count each
 * for itself: about the others all come to the same.
 */
export function sharesOf(
  tasks: ReadonlyMap<string, readonly string[]>,
  workers: readonly string[],
  able: (pipeline: string, worker: string) => boolean,
): ReadonlyMap<string, string> {
  const pipelines = [...tasks.keys()].sort()
  const everywhere = pipelines.filter((pipeline) => workers.every((worker) => able(pipeline, worker)))
  const owners = new Map<string, string>()
  for (const part of [everywhere, ...pipelines.filter((p) => !everywhere.includes(p)).map((p) => [p])]) {
    // pipelines share feeds
    const keys = new Set(part.flatMap((pipeline) => tasks.get(pipeline) ?? []).filter((key) => !owners.has(key)))
    const free = workers.filter((worker) => part.every((pipeline) => able(pipeline, worker)))
    for (const [key, owner] of shares([...keys], free)) owners.set(key, owner)
  }
  return owners
}
const rank = (task: string, worker: string): string => createHash('sha256').update(`${task}\0${worker}`).digest('hex')
