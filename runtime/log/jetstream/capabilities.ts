import { TidegateError } from '../../../schemas/errors.ts'

/** The oldest server everything here was tested on. */
const FLOOR = '2.9.10'
/**
 * Compare-and-set on replicated streams lets several writers win below 2.9.21 (nats-server#4320), and cross-account purge
 * is open below 2.10.27 (GHSA-fhg8-qxh5-7q3w): no cluster of ours runs on less.
 */
const CLUSTER_FLOOR = '2.10.27'

const numbers = (version: string): readonly number[] =>
  version
    .replace(/[-+].*$/, '')
    .split('.')
    .map(Number)

export function atLeast(version: string, floor: string): boolean {
  const [is, needed] = [numbers(version), numbers(floor)]
  for (let i = 0; i < 3; i++) {
    const difference = (is[i] ?? 0) - (needed[i] ?? 0)
    if (difference !== 0) return difference > 0
  }
  return true
}

/** @throws SERVER_TOO_OLD */
export function requireServer(version: string, replicas: number): void {
  const floor = replicas > 1 ? CLUSTER_FLOOR : FLOOR
  if (atLeast(version, floor)) return
  const why =
    replicas > 1 ? `${replicas} replicas need it: compare-and-set is broken below` : 'older ones are not tested'
  throw new TidegateError('SERVER_TOO_OLD', `expected nats-server ${floor} or newer, found ${version}: ${why}`, {
    expected: floor,
    found: version,
    replicas,
  })
}
