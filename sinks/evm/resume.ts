import type { Clock } from '../../runtime/define.ts'
import { TidegateError } from '../../schemas/errors.ts'
import { Book } from '../execution/book.ts'
import type { Entry, SignerEvent } from '../execution/entry.ts'
import type { OpenedJournal } from '../execution/journal.ts'
import { nonceOf } from '../execution/order.ts'
import type { Chain } from './chain.ts'
import type { Insist } from './insist.ts'
import { type ChainSide, isInBlock, lookBack, namesOf, openedAt, standOf } from './look_back.ts'
import type { Market } from './market.ts'
import type { Nodes } from './nodes.ts'

export interface ResumeParts {
  readonly opened: OpenedJournal
  readonly chain: Chain
  readonly nodes: Nodes
  readonly insist: Insist
  readonly markets: ReadonlyMap<string, Market>
  readonly clock: Clock
  /** Who says so. */
  readonly by: string
}

/**
 * Somebody has looked: from here on the journal takes the nonce and the balances of the chain as they are, and new orders
 * are signed again. Gives the nonce.
 * @throws SIGNER_HALTED while something is under way that nobody can explain
 */
export async function resume({ opened, chain, clock, by, ...asking }: ResumeParts): Promise<number> {
  const book = new Book()
  for (const entry of opened.entries) book.add(entry)
  const names = new Set([...Object.keys(book.opened?.balances ?? {}), ...namesOf(asking.markets.values())])
  const stand = await standOf({ chain, ...asking }, [...names])
  refuse(book, await lookBack({ ...asking, book, chain, stand, orders: 'under_way' }), chain.signer)
  const events: readonly SignerEvent[] = [{ type: 'resumed', nonce: stand.count, by }, openedAt(stand)]
  await opened.journal.append(events.map((event): Entry => ({ at: clock.now(), signer: chain.signer, event })))
  return stand.count
}

function refuse(book: Book, { count, pending, attempts }: ChainSide, signer: string): void {
  const open = book.inFlight().find((order) => {
    const taken = (nonceOf(order) ?? 0) < count
    return taken && attempts.get(order.intent.id)?.some(isInBlock) === false
  })
  if (open !== undefined)
    throw new TidegateError(
      'SIGNER_HALTED',
      `${open.intent.id} is ${open.life.phase}, and something else took its nonce ${nonceOf(open)}: run the pipeline until the order has ended, then resume`,
      { order: open.intent.id, nonce: nonceOf(open) },
    )
  const waiting = pending - Math.max(book.next ?? 0, count)
  if (waiting > 0)
    throw new TidegateError(
      'SIGNER_HALTED',
      `${signer} has ${waiting} transactions on their way that the journal does not know; wait until they are in a block`,
      { waiting },
    )
}
