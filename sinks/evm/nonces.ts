import type { Book } from '../execution/book.ts'
import type { Chain, Holder } from './chain.ts'

/** The transaction of somebody else that took a nonce, in the chain up to a block; undefined where it was one of ours, or none. */
export async function foreignHolder(nonce: number, to: number, chain: Chain, book: Book): Promise<Holder | undefined> {
  const holder = await chain.holderOf(nonce, to)
  const own = book.get(book.ofNonce(nonce) ?? '')?.attempts.some(({ hash }) => hash === holder?.transaction)
  return own === true ? undefined : holder
}
