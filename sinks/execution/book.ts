import type { Entry, EventOf, SignerEvent } from './entry.ts'
import { hasEnded, IllegalStep, mayExecute } from './life.ts'
import { type Ending, endingOf, fold, isOrderEntry, nonceOf, type Order } from './order.ts'

type Opened = Extract<SignerEvent, { type: 'opened' }>
type Halted = Extract<SignerEvent, { type: 'halted' }>

/** What a journal says, folded: the orders of one signer on one chain, and where the signer stands. */
export class Book {
  private readonly orders = new Map<string, Order>()
  private readonly nonces = new Map<number, string>()
  private readonly living = new Set<string>()
  opened: Opened | undefined
  halt: Halted | undefined
  /** Nonces up to here were looked at by a human, and are nobody's. */
  private from = 0
  private greatest = -1

  /** @throws IllegalStep where the entries cannot come next, one after the other; nothing has changed then or otherwise */
  check(entries: readonly Entry[]): void {
    const orders = new Map<string, Order>()
    const nonces = new Map<number, string>()
    for (const { id, at, event } of entries.filter(isOrderEntry)) {
      orders.set(id, fold(orders.get(id) ?? this.orders.get(id), at, event))
      if (event.type !== 'signed') continue
      claim(nonces.get(event.nonce) ?? this.nonces.get(event.nonce), id, event)
      nonces.set(event.nonce, id)
    }
  }

  /** @throws IllegalStep for an entry that cannot come next */
  add(entry: Entry): void {
    if (!isOrderEntry(entry)) {
      this.note(entry.event)
      return
    }
    const { id, at, event } = entry
    const order = fold(this.orders.get(id), at, event)
    if (event.type === 'signed') {
      claim(this.nonces.get(event.nonce), id, event)
      this.nonces.set(event.nonce, id)
      this.greatest = Math.max(this.greatest, event.nonce)
    }
    this.orders.set(id, order)
    if (hasEnded(order.life.phase)) this.living.delete(id)
    else if (event.type === 'reorged' && !this.living.has(id)) this.revive()
    else this.living.add(id)
  }

  /** One that had ended is open again, at the place where it was received. */
  private revive(): void {
    this.living.clear()
    for (const [id, { life }] of this.orders) if (!hasEnded(life.phase)) this.living.add(id)
  }

  get(id: string): Order | undefined {
    return this.orders.get(id)
  }
  all(): Iterable<Order> {
    return this.orders.values()
  }
  /** Orders that have not ended, in the order they were received. */
  open(): readonly Order[] {
    return [...this.living].map((id) => this.orders.get(id) as Order)
  }
  /** Orders that may execute, by nonce. */
  inFlight(): readonly Order[] {
    const flying = this.open().filter(({ life }) => mayExecute(life.phase))
    return flying.toSorted((a, b) => (nonceOf(a) ?? 0) - (nonceOf(b) ?? 0))
  }
  /** Orders that ended by a block after another, and by which; the newest block first. */
  ended(after: number): readonly { readonly order: Order; readonly ending: Ending }[] {
    return [...this.orders.values()]
      .flatMap((order) => {
        const ending = endingOf(order)
        return ending !== undefined && ending.block > after ? [{ order, ending }] : []
      })
      .toSorted((a, b) => b.ending.block - a.ending.block)
  }
  ofNonce(nonce: number): string | undefined {
    return this.nonces.get(nonce)
  }
  /** The nonce the next transaction must have, by the journal alone; undefined before there was any. */
  get next(): number | undefined {
    if (this.opened === undefined && this.nonces.size === 0) return undefined
    return Math.max(this.greatest + 1, this.begin)
  }
  /** The first nonce the journal answers for. */
  get begin(): number {
    return Math.max(this.from, this.opened?.nonce ?? 0)
  }

  private note(event: SignerEvent): void {
    if (event.type === 'opened') this.opened = event
    else if (event.type === 'halted') this.halt = event
    else {
      this.halt = undefined
      this.from = event.nonce
    }
  }
}

/** @throws IllegalStep where a nonce is not to be had */
function claim(holder: string | undefined, id: string, { nonce, attempt }: EventOf<'signed'>): void {
  if (holder !== undefined && holder !== id) throw new IllegalStep(`nonce ${nonce} of ${id} belongs to ${holder}`)
  if (attempt === 1 && holder !== undefined) throw new IllegalStep(`nonce ${nonce} of ${id} was signed before`)
}
