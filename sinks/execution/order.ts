import type { Entry, EventOf, Intent, OrderEvent } from './entry.ts'
import { born, hasEnded, IllegalStep, type Life, reduce } from './life.ts'

export interface Attempt extends EventOf<'signed'> {
  /** The newest block when it was last given to a node; -1 before. */
  readonly sent: number
  /** The block from which on it waits: where it was first given to a node, or lost the block that held it; -1 before. */
  readonly waits_from: number
  /** How often it was given to a node. */
  readonly sends: number
}
/** An order and all that its journal says of it. */
export interface Order {
  readonly intent: Intent
  readonly life: Life
  readonly plan: EventOf<'planned'> | undefined
  readonly simulated: EventOf<'simulated'> | undefined
  /** All of them have one nonce: the chain takes one at most. */
  readonly attempts: readonly Attempt[]
  readonly inclusion: EventOf<'included'> | undefined
  /** What ended it, or is being waited for. */
  readonly last: OrderEvent
  readonly at: number
}

/** @throws IllegalStep for an entry that cannot come next */
export function fold(order: Order | undefined, at: number, event: OrderEvent): Order {
  if (event.type === 'received') {
    if (order !== undefined) throw new IllegalStep(`order ${order.intent.id} was received before`)
    const nothing = { plan: undefined, simulated: undefined, attempts: [], inclusion: undefined }
    return { intent: event.intent, life: born, ...nothing, last: event, at }
  }
  if (order === undefined) throw new IllegalStep(`an order that was never received cannot be ${event.type}`)
  const life = reduce(order.life, event.type, event.type === 'included' ? event.block : 0)
  if ('attempt' in event && event.type !== 'signed' && order.attempts[event.attempt - 1] === undefined)
    throw new IllegalStep(`attempt ${event.attempt} of ${order.intent.id} was never signed and cannot be ${event.type}`)
  const next = { ...order, life, last: event, at }
  switch (event.type) {
    case 'planned':
      return { ...next, plan: event, simulated: undefined }
    case 'simulated':
      return { ...next, simulated: event }
    case 'signed':
      return { ...next, attempts: [...order.attempts, attempted(order, event)] }
    case 'sent': {
      const { attempt, block } = event
      const given = (a: Attempt): Attempt => ({
        ...{ ...a, sent: block, sends: a.sends + 1 },
        waits_from: a.waits_from < 0 ? block : a.waits_from,
      })
      return { ...next, attempts: order.attempts.map((a) => (a.attempt === attempt ? given(a) : a)) }
    }
    case 'included':
      return { ...next, inclusion: event }
    case 'reorged': {
      const again = (a: Attempt): Attempt =>
        a.waits_from < event.block && a.sends > 0 ? { ...a, waits_from: event.block } : a
      return { ...next, attempts: order.attempts.map(again), inclusion: undefined }
    }
    default:
      return next
  }
}

function attempted({ attempts, intent }: Order, event: EventOf<'signed'>): Attempt {
  if (event.attempt !== attempts.length + 1)
    throw new IllegalStep(`attempt ${event.attempt} of ${intent.id} after ${attempts.length}`)
  const first = attempts[0]
  if (first !== undefined && first.nonce !== event.nonce)
    throw new IllegalStep(`${intent.id}: an attempt with nonce ${event.nonce} beside one with ${first.nonce}`)
  return { ...event, sent: -1, waits_from: -1, sends: 0 }
}

export const nonceOf = ({ attempts }: Order): number | undefined => attempts[0]?.nonce
export const newestOf = ({ attempts }: Order): Attempt | undefined => attempts.at(-1)
export const attemptOf = ({ attempts, inclusion }: Order): Attempt | undefined =>
  inclusion === undefined ? undefined : attempts[inclusion.attempt - 1]

/** The transaction that ended an order, its own or what took its nonce, and the block it is in. */
export interface Ending {
  readonly transaction: string
  readonly block: number
  readonly block_hash: string
}
/** Undefined where no block ended it, or where a journal of an older build does not say which did. */
export function endingOf(order: Order): Ending | undefined {
  const { inclusion, last, life } = order
  if (!hasEnded(life.phase)) return undefined
  if (last.type === 'conflict') return last.held && { ...last.held, transaction: last.by }
  return inclusion && { ...inclusion, transaction: attemptOf(order)?.hash as string }
}

/** What a transaction cost its sender beside what it moved, in the smallest unit of the coin. */
export const costOf = ({ gas, gas_price, data_fee = '0' }: EventOf<'included'>): bigint =>
  BigInt(gas) * BigInt(gas_price) + BigInt(data_fee)
export const gasPaid = ({ inclusion }: Order): bigint => (inclusion === undefined ? 0n : costOf(inclusion))

export const isOrderEntry = (entry: Entry): entry is Extract<Entry, { id: string }> => 'id' in entry
