import type { Found, Sight } from '../execution/decide.ts'
import type { OrderEvent } from '../execution/entry.ts'
import type { Ledger } from '../execution/ledger.ts'
import { endingOf, nonceOf, type Order } from '../execution/order.ts'
import type { Chain, Head } from './chain.ts'
import type { Hex } from './hex.ts'
import type { Signer } from './keys/signer.ts'
import { type Market, movedFor } from './market.ts'
import type { Nodes } from './nodes.ts'

interface LookoutParts {
  readonly ledger: Ledger
  readonly chain: Chain
  readonly nodes: Nodes
  readonly signer: Signer
  readonly markets: ReadonlyMap<string, Market>
  readonly rules: { readonly confirmations: number }
  readonly notice: (text: string) => void
  readonly head: Head
  /** Writes down what became of an order. */
  readonly note: (order: Order, events: readonly OrderEvent[]) => Promise<void>
  /** An order waits. */
  readonly later: (order: Order, why: string) => void
}
/** Orders under way, and what the chain says of those it was asked for. */
export interface Seen {
  readonly flying: readonly Order[]
  readonly sights: ReadonlyMap<string, Sight>
}

/** Blocks for which those of orders that have ended are looked for: more than any chain has thrown out at once. */
const WATCHED = 1024
/** Looks for which a nonce must be missing before it is believed. */
const GAP_LASTS = 5

/** The eye of an executor: what the chain says of orders that are under way, and of what was told of those that are not. */
export class Lookout {
  /** The newest head that was seen. */
  head: Head
  private readonly parts: LookoutParts
  /** The head that was looked at last, when nothing is to be seen at it again. */
  private seen: Hex | undefined
  private newest: Hex | undefined
  /** The head at which blocks of what has ended were looked for last. */
  private watched: Hex | undefined
  private sent: 'nothing' | 'something' = 'nothing'
  /** Looks in a row that found a nonce missing. */
  private gaps = 0

  constructor(parts: LookoutParts) {
    this.parts = parts
    this.head = parts.head
  }

  /** Something is sent: there may be more to see, at the same head too. */
  sends(): void {
    this.sent = 'something'
  }

  /**
   * Looks once; undefined where there is nothing new to see.
   * @param meanwhile waits for the chain's answer, and does what has come by then
   */
  async look(meanwhile: <T>(asked: Promise<T>) => Promise<T>): Promise<Seen | undefined> {
    const { ledger, chain, nodes, rules } = this.parts
    const { book } = ledger
    // who failed before is asked again; nobody waits for it
    void nodes.refresh().catch(() => {})
    const newest = await chain.head()
    this.head = newest
    this.newest = newest.hash
    if (newest.hash !== this.watched) await this.watch(newest, newest.number - WATCHED)
    const flying = book.inFlight()
    if (flying.length === 0 || (newest.hash === this.seen && this.sent === 'nothing')) return undefined
    this.sent = 'nothing'
    const looking = chain.look(flying, rules.confirmations, (order, logs) =>
      movedFor(order, this.parts.markets.get(order.intent.key), chain.signer, logs),
    )
    const { head, taken, sights, unheard } = await meanwhile(looking)
    this.head = head
    await this.missing(taken < (nonceOf(flying[0] as Order) as number) ? taken : undefined)
    for (const [id, why] of unheard) this.parts.later(book.get(id) as Order, why)
    for (const [id, { attempts }] of sights) this.elsewhere(book.get(id) as Order, attempts)
    return { flying, sights }
  }
  /** Whether all that was seen was dealt with: what nothing was heard of is asked for again. */
  dealt({ flying, sights }: Seen, done: boolean): void {
    this.seen = done && sights.size === flying.length ? this.newest : undefined
  }

  /**
   * What ended by a block that is no longer there, since a reorganisation went deeper than what counts as final, is under
   * way again: its place in the chain is free, or something became of it that was not told.
   * @param after looked for are blocks after this one
   */
  private async watch({ hash }: Head, after: number): Promise<void> {
    const { ledger, chain, notice } = this.parts
    for (const { order, ending } of ledger.book.ended(after)) {
      // blocks stand on each other: where the newest stands, all before it do
      if ((await chain.isGone(ending)) !== true) break
      const { block, block_hash } = ending
      notice(
        `${order.intent.id} was ${order.life.phase} in block ${block}, which a reorganisation deeper than the confirmations took out of the chain: what was told of it is taken back, and it is under way again`,
      )
      await this.parts.note(order, [{ type: 'reorged', block, block_hash }])
    }
    this.watched = hash
  }

  /** What another pipeline trades is left to it once it is in a block: only there it can be told what it moved. */
  private elsewhere(order: Order, attempts: readonly Found[]): void {
    const found = attempts.find((one) => one.is === 'elsewhere')
    const { pipeline, key } = order.intent
    if (found !== undefined)
      this.parts.later(
        order,
        `it is in block ${found.block}, and ${pipeline}, which trades ${key}, has to tell what it moved`,
      )
  }

  /** A nonce before all of those under way is free: they wait for it for ever, and where it is nobody's only a human can fill it. */
  private async missing(nonce: number | undefined): Promise<void> {
    const { ledger, signer, notice } = this.parts
    const { book } = ledger
    const order = nonce === undefined ? undefined : book.get(book.ofNonce(nonce) ?? '')
    // whatever ended it, however long ago
    if (order !== undefined && endingOf(order) !== undefined) return this.watch(this.head, 0)
    this.gaps = nonce === undefined ? 0 : this.gaps + 1
    if (nonce === undefined || this.gaps < GAP_LASTS || book.halt !== undefined) return
    const whose = order === undefined ? 'the journal begins after it' : `${order.intent.id} was ${order.life.phase}`
    const reason = `nonce ${nonce} of ${signer.address} is free, and ${whose}: orders wait for a transaction with it`
    notice(`${reason}; nothing new is signed until somebody has looked: tidegate reconcile`)
    await ledger.noteSigner({ type: 'halted', code: 'NONCE_GAP', reason })
  }
}
