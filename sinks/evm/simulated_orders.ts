import type { EventOf, Intent } from '../execution/entry.ts'
import { type Phase, phases } from '../execution/life.ts'
import { type Attempt, newestOf, type Order } from '../execution/order.ts'
import { intentOf, type Pair } from './market.ts'

/** What the simulated chain says of a transaction in one of its blocks. */
const receipt = () => ({
  ...{ held: false as boolean, block: 0, fork: 0, ok: false as boolean, failure: 0 },
  ...{ gas: 0n as bigint, gas_price: 0n as bigint, paid: 0n as bigint, got: 0n as bigint },
})
/**
 * An order in numbers alone, so that the state of an operator can keep it; the approved order is enough to tell its
 * intent again. Of several attempts only the newest is kept: it has taken the place of the others in every pool of
 * transactions.
 */
const slot = () => ({
  /** Place in `phases`; -1 in a free one. */
  phase: -1,
  ...{ buys: false as boolean, quantity: 0, limit: 0, price: 0, at: 0, ordinal: 0 },
  /** Of the plan: µs, and the other side of the amount. */
  ...{ deadline: 0, quoted: 0n as bigint },
  ...{ attempts: 0, nonce: 0, cancels: false as boolean, signed: 0, sent: 0, sends: 0 },
  ...{ gas: 0n as bigint, max_fee: 0n as bigint, tip: 0n as bigint },
  /** The block the order knows to hold it, which the chain may have left. */
  ...{ known_block: 0, known_fork: 0 },
  receipt: receipt(),
})
export type Slot = ReturnType<typeof slot>
export interface Slots {
  [name: string]: Slot
}
export const emptySlots = (count: number): Slots =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`o${i}`, slot()]))
export const isOpen = ({ phase }: Slot): boolean => phase >= 0
export const hashOf = (block: number, fork: number): string => `${block}.${fork}`
export const release = (of: Slot): void => {
  Object.assign(of, { ...slot(), receipt: Object.assign(of.receipt, receipt()) })
}

/** Why a transaction failed. */
export const failures = [
  { code: 'REVERTED', reason: 'the transaction reverted, by chance' },
  { code: 'PRICE_MOVED', reason: 'the price had left the bound when it came into a block' },
  { code: 'DEADLINE', reason: 'it came into a block after its deadline' },
  { code: 'RANGE_UNKNOWN', reason: 'the trade goes past what is known of the pool' },
] as const
export type FailureCode = (typeof failures)[number]['code']
export const failureOf = (code: FailureCode): number => failures.findIndex((f) => f.code === code)

type Approved = Pick<Slot, 'quantity' | 'limit' | 'price' | 'at' | 'ordinal'> & { readonly side: 'buy' | 'sell' }

/** An id of its own within the instrument: the same for every run. */
export function intentIn(key: string, of: Approved, pair: Pair, time_to_live: number): Intent {
  const { side, quantity, limit, price, at, ordinal } = of
  const row = { kind: 'approved_order', id: `${key}/${at}/${ordinal}`, commit: 0, order: 0, ...{ key, at, ordinal } }
  const value = { side, quantity, limit, price }
  return intentOf({ ...row, value } as never, pair, { run: '', pipeline: '', node: '' }, { time_to_live }, at)
}

export function orderOf(of: Slot, key: string, pair: Pair, time_to_live: number): Order {
  const phase = phases[of.phase] as Phase
  const intent = intentIn(key, { ...of, side: of.buys ? 'buy' : 'sell' }, pair, time_to_live)
  const attempts = Array.from({ length: of.attempts }, (_, i) => attemptOf(of, i + 1))
  const block = of.known_block
  const known = phase === 'included' || phase === 'final'
  return {
    intent,
    life: { phase, attempts: of.attempts, block },
    plan:
      of.deadline === 0
        ? undefined
        : { type: 'planned', to: '', data: '', value: '0', deadline: of.deadline, quoted: of.quoted.toString() },
    simulated: undefined,
    attempts,
    inclusion: known ? { ...includedOf(of), block, block_hash: hashOf(block, of.known_fork) } : undefined,
    last: { type: 'received', intent },
    at: of.at,
  }
}

const attemptOf = (of: Slot, attempt: number): Attempt => ({
  type: 'signed',
  ...{ attempt, purpose: of.cancels && attempt === of.attempts ? 'cancel' : 'act', nonce: of.nonce },
  ...{
    chain: '',
    signer: '',
    raw: '',
    hash: '',
    block: of.signed,
    sent: of.sent,
    waits_from: of.sent,
    sends: of.sends,
  },
  ...{ gas: of.gas.toString(), max_fee: of.max_fee.toString(), tip: of.tip.toString() },
})

/** What the chain says of the newest attempt of an order. */
export function includedOf({ attempts, receipt: of }: Slot): EventOf<'included'> {
  const { block, fork, ok, failure, gas, gas_price, paid, got } = of
  return {
    type: 'included',
    ...{ attempt: attempts, block, block_hash: hashOf(block, fork), status: ok ? 'ok' : 'failed' },
    ...{ gas: gas.toString(), gas_price: gas_price.toString(), paid: paid.toString(), got: got.toString() },
    ...(ok ? {} : { failure: failures[failure] as (typeof failures)[number] }),
  }
}

/** Keeps what an order has become. */
export function keep(of: Slot, order: Order): void {
  const { life, plan, inclusion } = order
  of.phase = phases.indexOf(life.phase)
  of.attempts = life.attempts
  of.deadline = plan?.deadline ?? 0
  of.quoted = BigInt(plan?.quoted ?? 0)
  if (inclusion !== undefined) {
    const [, fork] = inclusion.block_hash.split('.')
    of.known_block = inclusion.block
    of.known_fork = Number(fork)
  }
  const newest = newestOf(order)
  if (newest === undefined) return
  of.nonce = newest.nonce
  of.cancels = newest.purpose === 'cancel'
  of.signed = newest.block
  of.sent = newest.sent
  of.sends = newest.sends
  of.gas = BigInt(newest.gas)
  of.max_fee = BigInt(newest.max_fee)
  of.tip = BigInt(newest.tip)
}
