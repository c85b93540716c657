import type { Address } from './hex.ts'
import type { Nodes } from './nodes.ts'
import { type Simulated, simulateAll } from './simulate.ts'
import { grantsOf } from './venues/allowances.ts'
import type { Allowance, Call, EvmVenue, Reader, Trade } from './venues/venue.ts'

/** Whether what is bought can be sold again, and for how much less. */
export type RoundTrip =
  | { readonly is: 'fair'; readonly loss: number }
  | { readonly is: 'trap'; readonly reason: string }
  /** No node simulates several calls. */
  | { readonly is: 'unknown' }

/** Of so many parts. */
const PARTS = 1_000_000n

/**
 * Buys, and sells again what came for certain, in one simulation on top of the newest block: tokens that cannot be sold,
 * or keep a part of each transfer, are found before money is in them.
 * @throws RpcFailure
 */
export async function tryRoundTrip(
  trade: Trade,
  venue: EvmVenue,
  { nodes, chain, account }: { readonly nodes: Nodes; readonly chain: Reader; readonly account: Address },
): Promise<RoundTrip> {
  const sold = trade.exact === 'in' ? trade.bound : trade.amount
  const back: Trade = { ...trade, pay: trade.get, get: trade.pay, exact: 'in', amount: sold, bound: 0n }
  const grants = async (given: Trade): Promise<readonly Call[]> => {
    const needed = venue.allowances(given).map((allowance: Allowance) => ({ allowance, has: 0n }))
    return grantsOf(needed, account, { grant: 'exact', expiration: given.deadline }, chain)
  }
  const [first, then] = [await grants(trade), await grants(back)]
  const calls = [...first, venue.encode(trade), ...then, venue.encode(back)]
  const done = await simulateAll(nodes, account, calls)
  if (done === undefined) return { is: 'unknown' }
  const failed = done.findIndex(({ status }) => status === 'reverted')
  if (failed >= 0) return { is: 'trap', reason: reasonOf(failed, first.length, done[failed]) }
  const [bought, got] = [done[first.length], done.at(-1)]
  if (bought?.status !== 'ok' || got?.status !== 'ok') return { is: 'unknown' }
  const buy = venue.moved(trade, bought.logs)
  const sell = venue.moved(back, got.logs)
  if (buy.paid === 0n || buy.got < sold) return { is: 'trap', reason: `${buy.got} came of at least ${sold}` }
  const cost = (buy.paid * sold) / buy.got
  const kept = cost === 0n ? PARTS : (sell.got * PARTS) / cost
  return { is: 'fair', loss: 1 - Number(kept) / Number(PARTS) }
}

function reasonOf(failed: number, buys: number, call: Simulated | undefined): string {
  const what = failed < buys ? 'giving rights' : failed === buys ? 'buying' : 'selling again'
  return `${what} would fail: ${call?.status === 'reverted' ? call.reason : ''}`
}
