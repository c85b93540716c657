import { parseBag, Slice } from './cell.ts'
import type { Message, Transaction } from './transaction.ts'

export const dexes = ['stonfi_v1', 'stonfi_v2', 'dedust', 'tonco'] as const
export type Dex = (typeof dexes)[number]

/** What a transaction of a pool did to it. */
export interface PoolTrade {
  /** Into the pool; negative out of it. */
  readonly amount0: bigint
  readonly amount1: bigint
  readonly trader: string
}
export interface TradedPool {
  readonly dex: Dex
  /** Raw address of token 0, or `native`: what a log of DeDust tells assets apart by. */
  readonly token0: string
}

// Layouts: toncenter/ton-indexer events/blocks/messages/swaps.py, docs.ston.fi and docs.dedust.io TL-B schemes (2026-11).
const V1_SWAP = 0x25938561
const V1_PAY_TO = 0xf93bb43f
const V2_SWAP = 0x6664de2a
const V2_PAY_TO = 0x657b54f5
const DEDUST_SWAP = 0x9c610de3
const TONCO_SWAP = 0xa7fb58f8
const TONCO_PAY_TO = 0xa1daa96d
/** A pool that swapped says so; a refund for slippage or a deadline runs through the same messages with another code. */
const STONFI_SWAP_OK = 0xc64370e5
const TONCO_SWAP_OK = 200

/**
 * The swaps of one transaction of a pool, read off the messages of its contract: no other transaction of the trace is
 * needed, and a refund is never taken for a swap.
 * @throws RangeError where a message is not as documented
 */
export function tradesOf(transaction: Transaction, pool: TradedPool): readonly PoolTrade[] {
  if (transaction.aborted) return []
  return readers[pool.dex](transaction, pool)
}

const readers: Readonly<Record<Dex, (transaction: Transaction, pool: TradedPool) => readonly PoolTrade[]>> = {
  stonfi_v1: ({ received, sent }) => {
    const swap = opened(received, V1_SWAP)
    if (swap === undefined) return []
    swap.uint(64)
    // who gets what is bought, then the wallet of the router that was paid into
    swap.address()
    swap.address()
    const paid = swap.coins()
    const trader = swap.ref().address()
    for (const payment of all(sent, V1_PAY_TO)) {
      payment.uint(64)
      payment.address()
      if (payment.number(32) === STONFI_SWAP_OK) return bought(payment.ref(), paid, trader)
    }
    return []
  },
  stonfi_v2: ({ received, sent }) => {
    const swap = opened(received, V2_SWAP)
    if (swap === undefined) return []
    swap.uint(64)
    const trader = swap.address()
    const left = swap.coins()
    const right = swap.coins()
    // liquidity brings both
    if (left > 0n && right > 0n) return []
    for (const payment of all(sent, V2_PAY_TO)) {
      payment.uint(64)
      for (let n = 0; n < 3; n++) payment.address()
      if (payment.number(32) !== STONFI_SWAP_OK) continue
      payment.maybeRef()
      const amounts = payment.ref()
      amounts.coins()
      return bought(amounts, left + right, trader)
    }
    return []
  },
  dedust: ({ sent }, { token0 }) =>
    all(
      sent.filter(({ destination }) => destination === ''),
      DEDUST_SWAP,
    ).map((log) => {
      const paid = asset(log)
      const got = asset(log)
      const amountIn = log.coins()
      const amountOut = log.coins()
      const trader = log.ref().address()
      if (paid !== token0 && got !== token0) throw new RangeError('a swap of other tokens')
      return paid === token0
        ? { amount0: amountIn, amount1: -amountOut, trader }
        : { amount0: -amountOut, amount1: amountIn, trader }
    }),
  tonco: ({ received, sent }) => {
    const swap = opened(received, TONCO_SWAP)
    if (swap === undefined) return []
    swap.uint(64)
    const trader = swap.address()
    const wallet = swap.address()
    const paid = swap.ref().coins()
    for (const payment of all(sent, TONCO_PAY_TO)) {
      payment.uint(64)
      payment.address()
      payment.address()
      if (payment.number(32) !== TONCO_SWAP_OK) continue
      payment.uint(64)
      const coins = payment.maybeRef()
      if (coins === undefined) return []
      const amount0 = coins.coins()
      const wallet0 = coins.address()
      const amount1 = coins.coins()
      // what the price limit left unsold goes back beside what was bought
      return wallet === wallet0
        ? [{ amount0: paid - amount0, amount1: -amount1, trader }]
        : [{ amount0: -amount0, amount1: paid - amount1, trader }]
    }
    return []
  },
}

/** `amount0_out token0 amount1_out token1`: the trader got one of the two. */
function bought(amounts: Slice, paid: bigint, trader: string): readonly PoolTrade[] {
  const amount0 = amounts.coins()
  amounts.address()
  const amount1 = amounts.coins()
  if (amount0 > 0n === amount1 > 0n) throw new RangeError('a swap that paid both tokens, or none')
  return amount0 > 0n ? [{ amount0: -amount0, amount1: paid, trader }] : [{ amount0: paid, amount1: -amount1, trader }]
}

function asset(slice: Slice): string {
  const kind = slice.number(4)
  if (kind === 0) return 'native'
  if (kind !== 1) throw new RangeError('an asset of another kind')
  const workchain = BigInt.asIntN(8, slice.uint(8))
  return `${workchain}:${slice.uint(256).toString(16).padStart(64, '0')}`
}

/** The body of a message behind its operation. A message that bounced begins with other bits. */
function opened(message: Message | undefined, operation: number): Slice | undefined {
  if (message === undefined || message.opcode !== operation || message.body === '') return undefined
  const slice = new Slice(parseBag(message.body))
  return slice.number(32) === operation ? slice : undefined
}
const all = (messages: readonly Message[], operation: number): readonly Slice[] =>
  messages.map((message) => opened(message, operation)).filter((slice) => slice !== undefined)
