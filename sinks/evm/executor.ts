import { type Clock, type Committed, type OpenedExecutor, RpcFailure } from '../../runtime/define.ts'
import { type Action, type Rules as DecideRules, decide, type Sight } from '../execution/decide.ts'
import type { Entry, OrderEvent } from '../execution/entry.ts'
import type { Ledger, RunOf } from '../execution/ledger.ts'
import { mayExecute } from '../execution/life.ts'
import { fold, newestOf, nonceOf, type Order } from '../execution/order.ts'
import { Waker } from '../execution/waker.ts'
import type { Chain, Head } from './chain.ts'
import { checkSigned } from './guard.ts'
import { Hesitations } from './hesitations.ts'
import type { Hex } from './hex.ts'
import { type Signer, SignFailure } from './keys/signer.ts'
import { Lookout } from './lookout.ts'
import { type IntentRules, intentOf, type Market, noMarket, nowhere } from './market.ts'
import type { Nodes, Sent } from './nodes.ts'
import { foreignHolder } from './nonces.ts'
import { type PrepareRules, prepare } from './prepare.ts'
import { awaited, deniedTo, helpFor } from './rights.ts'
import { signDearer } from './sign.ts'

export interface ExecutorRules extends DecideRules, PrepareRules, IntentRules {
  /** µs between looks at the chain while orders are under way. */
  readonly poll_every: number
  readonly broadcast: 'one' | 'all'
}
export interface ExecutorParts {
  readonly of: RunOf
  readonly ledger: Ledger
  readonly chain: Chain
  readonly nodes: Nodes
  readonly signer: Signer
  readonly chain_id: number
  readonly markets: ReadonlyMap<string, Market>
  readonly rules: ExecutorRules
  readonly clock: Clock
  readonly notice: (text: string) => void
  readonly head: Head
}

/**
 * The hand that sends transactions: takes approved orders, and does for each what `decide` says, one thing at a time.
 * What it does next stands in the journal before it is done, so it may die between any two statements.
 */
export class Executor implements OpenedExecutor {
  readonly answers: OpenedExecutor['answers']
  private readonly parts: ExecutorParts
  private state: 'open' | 'closed' = 'open'
  private readonly waker: Waker
  private readonly hesitations: Hesitations
  private readonly lookout: Lookout
  private looked = 0
  private readonly ended: Promise<void>

  constructor(parts: ExecutorParts) {
    this.parts = parts
    this.answers = parts.ledger.answers
    const { clock, notice, rules } = parts
    this.waker = new Waker(clock)
    this.hesitations = new Hesitations({ clock, notice, lasts: rules.poll_every })
    this.lookout = new Lookout({
      ...parts,
      note: (order, events) => this.note(order, events),
      later: (order, why) => this.later(order, why),
    })
    // subscribers come after it was opened
    this.ended = Promise.resolve().then(() => this.run())
  }

  async take(rows: readonly Committed[]): Promise<void> {
    const { ledger, markets, of, rules, clock } = this.parts
    const entries: Entry[] = []
    for (const row of rows) {
      if (ledger.book.get(row.id) !== undefined) continue
      const at = clock.now()
      const market = markets.get(row.key)
      const intent = intentOf(row, market ?? nowhere(row.key), of, rules, at)
      entries.push({ at, id: row.id, event: { type: 'received', intent } })
      if (market === undefined) entries.push({ at, id: row.id, event: noMarket(row.key) })
    }
    await this.parts.ledger.append(entries)
    this.waker.nudge()
  }

  async close(): Promise<void> {
    this.state = 'closed'
    this.waker.nudge()
    await this.ended
    this.parts.nodes.close()
    await this.parts.ledger.close()
  }

  // ---- the loop ---------------------------------------------------------------------------------

  private async run(): Promise<void> {
    try {
      while (this.state === 'open') {
        await this.turn()
        await this.waker.rest(this.parts.rules.poll_every)
      }
    } catch (error) {
      this.parts.ledger.fail(error)
    }
  }

  /** New orders first; then, at the pace of polling, what the chain says of those under way. */
  private async turn(): Promise<void> {
    const { clock, rules } = this.parts
    await this.begin()
    if (clock.now() - this.looked < rules.poll_every) return
    this.looked = clock.now()
    await this.tolerate(() => this.lookAround())
  }

  /** What is not signed yet, and what is and nobody was given. */
  private async begin(): Promise<void> {
    const { book } = this.parts.ledger
    this.waker.answer()
    await this.actAll(book.open().filter(({ life }) => !mayExecute(life.phase)))
    await this.actAll(book.inFlight().filter((order) => newestOf(order)?.sends === 0))
  }

  /**
   * Nodes and signers outside fail: what could not be done is done in a later turn. `refused` is a no to this alone;
   * where it is `failed`, nothing else would come of asking now.
   */
  private async tolerate(work: () => Promise<void>): Promise<'done' | 'refused' | 'failed'> {
    const { notice } = this.parts
    try {
      await work()
      return 'done'
    } catch (error) {
      if (error instanceof RpcFailure) notice(`no node answers: ${error.message}`)
      else if (error instanceof SignFailure) notice(`nobody signed: ${error.message}`)
      else throw error
      return error.reason === 'refused' ? 'refused' : 'failed'
    }
  }

  /** Gives whether all that they need now was done. */
  private async actAll(orders: readonly Order[], sights?: ReadonlyMap<string, Sight>): Promise<boolean> {
    let done = true
    for (const { intent } of orders) {
      // who has just come goes before those that were looked at
      if (sights !== undefined && this.waker.called) await this.begin()
      const did = await this.tolerate(() => this.act(intent.id, sights?.get(intent.id)))
      if (did !== 'done') done = false
      if (did === 'failed' || this.state === 'closed') return false
    }
    return done
  }

  private async lookAround(): Promise<void> {
    const meanwhile = <T>(asked: Promise<T>) =>
      this.waker.meanwhile(asked, async () => {
        if (this.state === 'closed') return 'enough'
        await this.begin()
        return 'more'
      })
    const seen = await this.lookout.look(meanwhile)
    if (seen !== undefined) this.lookout.dealt(seen, await this.actAll(seen.flying, seen.sights))
  }

  /** Does what an order needs until it has to wait. */
  private async act(id: string, sight: Sight | undefined): Promise<void> {
    const { ledger, rules, clock } = this.parts
    for (let steps = 0; steps < 8; steps++) {
      let order = ledger.book.get(id) as Order
      let action = decide(order, sight, rules, clock.now())
      // steps that only tell what is so stand in the journal together
      const seen: OrderEvent[] = []
      for (; action.do === 'record'; action = decide(order, sight, rules, clock.now())) {
        seen.push(action.event)
        order = fold(order, clock.now(), action.event)
      }
      if (seen.length > 0) await this.note(order, seen)
      if ((await this.perform(order, action)) === 'wait') return
    }
  }

  private async perform(order: Order, action: Exclude<Action, { do: 'record' }>): Promise<'wait' | 'again'> {
    switch (action.do) {
      case 'wait':
        return 'wait'
      case 'send':
        return this.send(order, action.attempt)
      case 'bump':
        return this.bump(order, action.purpose)
      case 'investigate':
        return this.investigate(nonceOf(order) as number, order)
      case 'prepare':
        return this.prepare(order)
    }
  }

  // ---- what it does -----------------------------------------------------------------------------

  private async prepare(order: Order): Promise<'wait' | 'again'> {
    const { ledger, clock } = this.parts
    const { book } = ledger
    const waitsFor = this.denied(order) ?? awaited(order, { ...this.parts, book })
    if (waitsFor !== undefined) return this.later(order, waitsFor)
    const market = this.marketOf(order) as Market
    const prepared = await prepare(order, market, { ...this.parts, book, head: this.lookout.head })
    switch (prepared.is) {
      case 'later':
        return this.later(order, prepared.why)
      case 'refused':
        if (this.hesitations.doubts(order.intent.id, prepared.code))
          return this.later(order, `${prepared.code}, to be asked again`)
        await this.note(order, [{ type: 'rejected', code: prepared.code, reason: prepared.reason }])
        return 'again'
      case 'needs': {
        const denied = deniedTo(order.intent, book)
        if (denied !== undefined) await this.note(order, [{ type: 'rejected', ...denied }])
        else await ledger.append(helpFor(order.intent, prepared.calls, book, clock.now()))
        this.waker.nudge()
        return 'again'
      }
      case 'foreign':
        return this.investigate(prepared.nonce)
      case 'signed':
        await this.keep(order, prepared.events)
        return 'again'
    }
  }

  private async send(order: Order, number: number): Promise<'wait' | 'again'> {
    const { nodes, rules } = this.parts
    const attempt = order.attempts[number - 1] as Order['attempts'][number]
    const halted = this.halted()
    // what somebody was given is out, whatever stands; what cancels moves nothing, and others wait for its nonce
    if (halted !== undefined && attempt.sends === 0 && attempt.purpose === 'act') return this.later(order, halted)
    this.lookout.sends()
    const sent = await nodes.send(attempt.raw as Hex, rules.broadcast)
    const block = this.lookout.head.number
    await this.note(
      order,
      sent.map((one) => ({
        type: 'sent',
        attempt: number,
        endpoint: one.endpoint,
        outcome: one.outcome,
        code: codeOf(one),
        block,
      })),
    )
    return 'wait'
  }

  private async bump(order: Order, purpose: 'act' | 'cancel'): Promise<'wait' | 'again'> {
    // what cancels is signed whatever stands: it moves nothing, and others wait for its nonce
    const denied = purpose === 'act' ? this.denied(order) : undefined
    if (denied !== undefined) return this.later(order, denied)
    const signed = await signDearer(order, purpose, { ...this.parts, head: this.lookout.head })
    if (signed === undefined) return 'wait'
    await this.keep(order, [signed])
    return 'again'
  }

  /** Looks for what took a nonce. Something of somebody else's ends the order, and everything waits for a human. */
  private async investigate(nonce: number, order?: Order): Promise<'wait' | 'again'> {
    const { chain, clock, ledger, notice, signer, rules } = this.parts
    const { book } = ledger
    const to = order === undefined ? this.lookout.head.number : this.lookout.head.number - rules.confirmations
    const holder = await foreignHolder(nonce, to, chain, book)
    if (holder === undefined) return 'wait'
    const { transaction: by, ...held } = holder
    const reason = `nonce ${nonce} of ${signer.address} was used by ${by}, which is not in the journal`
    notice(`${reason}; nothing new is signed until somebody has looked: tidegate reconcile`)
    const at = clock.now()
    const halted: Entry = { at, signer: signer.address, event: { type: 'halted', code: 'FOREIGN_NONCE', reason } }
    const conflict = (id: string): Entry => ({ at, id, event: { type: 'conflict', reason, by, held } })
    // together: once the conflict is known, nothing strange is left to halt for
    await ledger.append([
      ...(order === undefined ? [] : [conflict(order.intent.id)]),
      ...(book.halt === undefined ? [halted] : []),
    ])
    return 'wait'
  }

  /** What was signed, once it was looked at: from here on it may be sent. */
  private keep(order: Order, events: readonly OrderEvent[]): Promise<void> {
    checkSigned(order, events, this.marketOf(order), this.parts.signer.address)
    return this.note(order, events)
  }

  private note(order: Order, events: readonly OrderEvent[]): Promise<void> {
    this.hesitations.forget(order.intent.id)
    return this.parts.ledger.note(order.intent.id, events)
  }

  private later(order: Order, why: string): 'wait' {
    this.hesitations.wait(order.intent.id, why)
    return 'wait'
  }

  /** Why nothing that acts is signed for an order; undefined where it may be. */
  private denied(order: Order): string | undefined {
    const halted = this.halted()
    if (halted !== undefined) return halted
    const { pipeline, key } = order.intent
    return this.marketOf(order) === undefined ? `${pipeline} trades ${key}, and nothing here does` : undefined
  }
  private halted(): string | undefined {
    const { halt } = this.parts.ledger.book
    return halt && `the signer is halted: ${halt.code}`
  }
  private marketOf({ intent }: Order): Market | undefined {
    return this.parts.markets.get(intent.key)
  }
}

const codeOf = (sent: Sent): string => ('code' in sent ? sent.code : '')
