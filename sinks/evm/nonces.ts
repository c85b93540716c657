import type { Book } from '../execution/book.ts'
import type { Chain } from './chain.ts'
import type { Hex } from './hex.ts'
import type { Nodes } from './nodes.ts'

/** Nonces of a gap that are filled at a time: a node that counts far too few is not given all there ever was. */
const GAP = 16

/**
 * A reorganisation deeper than what counts as final gives nonces back, and what comes after them is stuck: what had them
 * is sent again.
 * Gives the first nonce of the gap that nothing here ever had.
 * @param taken what the chain counts
 * @param lowest the nonce of the first order under way
 */
export async function refill(
  taken: number,
  lowest: number,
  {
    book,
    nodes,
    broadcast,
    notice,
  }: {
    readonly book: Book
    readonly nodes: Nodes
    readonly broadcast: 'one' | 'all'
    readonly notice: (text: string) => void
  },
): Promise<number | undefined> {
  for (let nonce = taken; nonce < Math.min(lowest, taken + GAP); nonce++) {
    const order = book.get(book.ofNonce(nonce) ?? '')
    if (order === undefined) return nonce
    notice(`nonce ${nonce} is free again though ${order.intent.id} was ${order.life.phase}: its bytes are sent again`)
    for (const { raw } of order.attempts) await nodes.send(raw as Hex, broadcast)
  }
  return undefined
}

/** The transaction of somebody else that took a nonce, in the chain up to a block; undefined where it was one of ours, or none. */
export async function foreignHolder(nonce: number, to: number, chain: Chain, book: Book): Promise<Hex | undefined> {
  const holder = await chain.holderOf(nonce, to)
  const own = book.get(book.ofNonce(nonce) ?? '')?.attempts.some(({ hash }) => hash === holder)
  return own === true ? undefined : holder
}
