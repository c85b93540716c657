import type { z } from 'zod'
import type { Address, Hex } from '../hex.ts'

export interface Token {
  /** Of its contract; of the wrapped coin where it is `native`. */
  readonly address: Address
  readonly decimals: number
  /** The chain's own coin: paid as the value of the transaction, got unwrapped. */
  readonly native: boolean
}
/** What an order asks of a venue, in whole units of the tokens: fixed when the order is planned, and never quoted anew. */
export interface Trade {
  readonly pay: Token
  readonly get: Token
  /** `in`: `amount` is paid, and at least `bound` must come. `out`: `amount` comes, and at most `bound` may be paid. */
  readonly exact: 'in' | 'out'
  readonly amount: bigint
  readonly bound: bigint
  /** Who pays and who gets: our own signer, always. */
  readonly account: Address
  /** Unix seconds after which the contract must refuse. */
  readonly deadline: number
}
/** What a transaction does. */
export interface Call {
  readonly to: Address
  readonly data: Hex
  readonly value: bigint
}
/** A right a trade needs first. `erc20`: `approve` of the token. `permit2`: `approve` of Permit2, which ends by itself. */
export type Allowance = {
  readonly token: Address
  readonly spender: Address
  readonly amount: bigint
} & ({ readonly by: 'erc20' } | { readonly by: 'permit2'; readonly permit2: Address })
/** Asks the chain, at one block. Who asks decides which. */
export interface Reader {
  /** `eth_call`: what the contract returns. @throws Reverted where it reverts; any other error where no node answers */
  readonly call: (to: Address, data: Hex, from?: Address) => Promise<Hex>
}
export class Reverted extends Error {
  readonly data: Hex
  constructor(reason: string, data: Hex = '0x') {
    super(reason)
    this.data = data
  }
}
export interface Log {
  readonly address: Address
  readonly topics: readonly Hex[]
  readonly data: Hex
}
/** What really moved, of a receipt: what left the account and what came to it. */
export interface Moved {
  readonly paid: bigint
  readonly got: bigint
}
/** The other side of an amount by pools as they were read, to the unit; undefined past what was read of them. */
export type Curve = (amount: bigint) => bigint | undefined

/** A protocol that trades one token for another in one transaction; opened with the params of one market. */
export interface EvmVenue {
  /** The contracts it sends transactions to or gives rights to: nothing else is signed. */
  readonly contracts: readonly Address[]
  /** Why it can never do such a trade; undefined where it can. */
  readonly refuses?: (trade: Trade) => string | undefined
  readonly allowances: (trade: Trade) => readonly Allowance[]
  /** @throws RangeError with what `refuses` says */
  readonly encode: (trade: Trade) => Call
  /** The other side of `amount` now: what would come, or would have to be paid. @throws Reverted where it cannot be traded */
  readonly quote: (trade: Trade, chain: Reader) => Promise<bigint>
  /**
   * Reads the pools of each route, so that amounts can be tried without asking again; undefined for a route whose pools
   * have no curve of ours. `amount` and `bound` of the trade do not matter.
   */
  readonly curves?: (trade: Trade, chain: Reader) => Promise<readonly (Curve | undefined)[]>
  /** The same with what is best for this trade now; its contracts, rights and `moved` are the same. */
  readonly best?: (trade: Trade, chain: Reader) => Promise<EvmVenue>
  readonly moved: (trade: Trade, logs: readonly Log[]) => Moved
}
export interface VenueDefinition<PIn = never, P = unknown> {
  readonly name: string
  readonly summary: string
  readonly params: z.core.$ZodType<P, PIn>
  readonly open: (params: P) => EvmVenue
}
