import type { RpcFailure } from '../../runtime/define.ts'
import { mayHold } from './bloom.ts'
import type { LogFilter } from './link.ts'
import { type Ask, logsBetween, logsOfBlock } from './questions.ts'
import type { Head, Log } from './wire.ts'

/** Blocks this deep are asked for by their numbers, many at once: what is above may be reorganised meanwhile. */
const settled = 64
/** By hash, so many are asked for at once. */
const abreast = 8

/** Cuts blocks into what is asked for at once. */
export function windowsOf(blocks: readonly Head[], head: number): readonly (readonly Head[])[] {
  const deep = blocks.filter(({ number }) => number <= head - settled)
  const many = deep.length >= abreast ? deep : []
  const rest = blocks.slice(many.length)
  const windows = Array.from({ length: Math.ceil(rest.length / abreast) }, (_, n) =>
    rest.slice(n * abreast, (n + 1) * abreast),
  )
  return many.length > 0 ? [many, ...windows] : windows
}

type Answer = ReadonlyMap<string, readonly Log[]>

/**
 * The logs of the blocks of one window, by hash of the block.
 * @throws RpcFailure
 */
export async function logsOf(
  ask: Ask,
  filter: LogFilter,
  blocks: readonly Head[],
  pushedOf: (hash: string) => ReadonlySet<number>,
): Promise<Answer> {
  const one = async (hash: string) => [hash, await ask(logsOfBlock(filter, hash, pushedOf(hash)))] as const
  const [first, last] = [blocks[0], blocks.at(-1)]
  if (first === undefined || last === undefined || blocks.length <= abreast)
    return new Map(await Promise.all(blocks.map(({ hash }) => one(hash))))
  const found = new Map<string, readonly Log[]>(blocks.map(({ hash }) => [hash, []]))
  const strange = new Set<number>()
  for (const log of await between(ask, filter, first.number, last.number)) {
    const own = found.get(log.block_hash)
    if (own === undefined) strange.add(log.block)
    else found.set(log.block_hash, [...own, log])
  }
  // A range is answered by number, by a node that may be on another branch, or behind. Where it means another block than
  // we do, or gives nothing of one that may have something, ours is asked for by its hash.
  const may = mayHold(filter)
  const ours = blocks.filter(
    ({ number, hash, bloom }) => strange.has(number) || (found.get(hash)?.length === 0 && may(bloom)),
  )
  for (let n = 0; n < ours.length; n += abreast) {
    const some = ours.slice(n, n + abreast)
    for (const [hash, logs] of await Promise.all(some.map(({ hash }) => one(hash)))) found.set(hash, logs)
  }
  return found
}

/** Nodes refuse ranges with too many blocks or logs, each with words of its own: half as many are asked for then. */
async function between(ask: Ask, filter: LogFilter, from: number, to: number): Promise<readonly Log[]> {
  try {
    return await ask(logsBetween(filter, from, to))
  } catch (failure) {
    const { reason } = failure as RpcFailure
    if (from === to || (reason !== 'refused' && reason !== 'limited' && reason !== 'oversized')) throw failure
    const middle = Math.floor((from + to) / 2)
    return [...(await between(ask, filter, from, middle)), ...(await between(ask, filter, middle + 1, to))]
  }
}
