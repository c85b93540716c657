import { z } from 'zod'
import type { Step } from './life.ts'

// What a journal holds. Amounts of tokens and fees are whole units in decimal text: `BigInt(text)` gives the number.

const units = z.string().regex(/^\d+$/)
const time = z.number().nonnegative().describe('µs since 1970, by the clock of the machine')

/** What is to be done, for ever the same: nothing of it is ever quoted or decided anew. */
export const Intent = z.strictObject({
  /** The id of the approved order; of a helping transaction that of the order and what it is for. */
  id: z.string().min(1),
  purpose: z.enum(['trade', 'allowance']),
  /** The order a helping transaction is for. */
  parent: z.string().optional(),
  /** The run whose log holds the order. */
  run: z.string(),
  pipeline: z.string(),
  node: z.string(),
  /** The instrument. */
  key: z.string(),
  /** The approved order's place: event time and ordinal name it in messages, commit and order in the log. */
  at: z.number(),
  ordinal: z.int(),
  commit: z.int(),
  order: z.int(),
  side: z.enum(['buy', 'sell']),
  /** 1e-8 of the base token. */
  quantity: units,
  /** `in`: `amount` is paid and at least `bound` must come; `out`: `amount` comes and at most `bound` is paid. */
  exact: z.enum(['in', 'out']),
  amount: units,
  bound: units,
  received: time,
  /** After this it is not signed any more. */
  expires: time,
})
export type Intent = z.output<typeof Intent>

const event = {
  received: z.strictObject({ type: z.literal('received'), intent: Intent }),
  planned: z.strictObject({
    type: z.literal('planned'),
    to: z.string(),
    data: z.string(),
    value: units,
    /** µs after which the contract refuses; 0 for never. */
    deadline: z.number(),
    /** The other side of the amount, as it was quoted. */
    quoted: units,
  }),
  simulated: z.strictObject({ type: z.literal('simulated'), gas: units }),
  signed: z.strictObject({
    type: z.literal('signed'),
    attempt: z.int().positive(),
    /** `cancel` takes the place without doing anything. */
    purpose: z.enum(['act', 'cancel']),
    chain: z.string(),
    signer: z.string(),
    /** The place in the chain of the signer: the nonce, the seqno. */
    nonce: z.int().nonnegative(),
    raw: z.string(),
    hash: z.string(),
    gas: units,
    max_fee: units,
    tip: units,
    /** The newest block when it was signed. */
    block: z.int().nonnegative(),
  }),
  sent: z.strictObject({
    type: z.literal('sent'),
    attempt: z.int(),
    endpoint: z.string(),
    outcome: z.enum(['accepted', 'known', 'unknown', 'refused']),
    code: z.string(),
    block: z.int().nonnegative(),
  }),
  seen: z.strictObject({ type: z.literal('seen'), attempt: z.int() }),
  dropped: z.strictObject({ type: z.literal('dropped'), attempt: z.int() }),
  included: z.strictObject({
    type: z.literal('included'),
    attempt: z.int(),
    block: z.int().positive(),
    block_hash: z.string(),
    status: z.enum(['ok', 'failed']),
    gas: units,
    gas_price: units,
    /** What the chain charges beside gas, for keeping its data on another one. */
    data_fee: units.optional(),
    paid: units,
    got: units,
    /** Why it failed, where that is known. */
    failure: z.strictObject({ code: z.string(), reason: z.string() }).optional(),
  }),
  reorged: z.strictObject({ type: z.literal('reorged'), block: z.int(), block_hash: z.string() }),
  final: z.strictObject({ type: z.literal('final'), head: z.int() }),
  settled: z.strictObject({ type: z.literal('settled') }),
  reverted: z.strictObject({ type: z.literal('reverted'), code: z.string().optional(), reason: z.string() }),
  refunded: z.strictObject({ type: z.literal('refunded'), reason: z.string() }),
  cancelled: z.strictObject({ type: z.literal('cancelled') }),
  rejected: z.strictObject({ type: z.literal('rejected'), code: z.string(), reason: z.string() }),
  expired: z.strictObject({ type: z.literal('expired') }),
  dead: z.strictObject({ type: z.literal('dead'), reason: z.string() }),
  conflict: z.strictObject({
    type: z.literal('conflict'),
    reason: z.string(),
    by: z.string(),
    /** The block that holds what took its nonce. */
    held: z.strictObject({ block: z.int().nonnegative(), block_hash: z.string() }).optional(),
  }),
  lost: z.strictObject({ type: z.literal('lost'), reason: z.string() }),
} satisfies Readonly<Record<Step | 'received', z.ZodType>>

/** Something that happened to an order. */
export const OrderEvent = z.discriminatedUnion(
  'type',
  Object.values(event) as never,
) as unknown as z.ZodType<OrderEvent>
export type OrderEvent = { [T in keyof typeof event]: z.output<(typeof event)[T]> }[keyof typeof event]
export type EventOf<T extends OrderEvent['type']> = Extract<OrderEvent, { type: T }>

/** Something that happened to a signer. */
export const SignerEvent = z.discriminatedUnion('type', [
  /** What it held when the journal began: what it holds later is this and what orders moved. */
  z.strictObject({ type: z.literal('opened'), nonce: z.int(), balances: z.record(z.string(), units), block: z.int() }),
  /** No new order is signed until somebody says so. */
  z.strictObject({ type: z.literal('halted'), code: z.string(), reason: z.string() }),
  /** Somebody has looked, and takes the chain's nonce as it is from here on. */
  z.strictObject({ type: z.literal('resumed'), nonce: z.int(), by: z.string() }),
])
export type SignerEvent = z.output<typeof SignerEvent>

export const Entry = z.union([
  z.strictObject({ at: time, id: z.string(), event: OrderEvent }),
  z.strictObject({ at: time, signer: z.string(), event: SignerEvent }),
])
export type Entry =
  | { readonly at: number; readonly id: string; readonly event: OrderEvent }
  | { readonly at: number; readonly signer: string; readonly event: SignerEvent }
