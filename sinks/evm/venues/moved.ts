import { id } from 'ethers/hash'
import { Address, type Hex } from '../hex.ts'
import type { Log, Moved, Trade } from './venue.ts'

const topics = {
  transfer: id('Transfer(address,address,uint256)'),
  deposit: id('Deposit(address,uint256)'),
  withdrawal: id('Withdrawal(address,uint256)'),
} as const

/** An address in a topic: the last 20 of its 32 bytes. */
const names = (topic: Hex | undefined, account: Address): boolean => topic?.slice(26).toLowerCase() === account.slice(2)

const total = (logs: readonly Log[]): bigint => logs.reduce((sum, { data }) => sum + BigInt(data), 0n)
const none = Address.parse(`0x${'0'.repeat(40)}`)

const transfersOf = (token: Address, logs: readonly Log[]): readonly Log[] =>
  // those of ERC-721 have four topics
  logs.filter((log) => log.address === token && log.topics[0] === topics.transfer && log.topics.length === 3)
/** What came to an account of a token, less what left it. */
function netOf(token: Address, account: Address, logs: readonly Log[]): bigint {
  const moves = transfersOf(token, logs)
  const side = (place: 1 | 2) => total(moves.filter((log) => names(log.topics[place], account)))
  return side(2) - side(1)
}

/** What the two tokens themselves say came and went, less what came back. Wrong for a native coin, which says nothing. */
export const movedByTransfers = ({ pay, get, account }: Trade, logs: readonly Log[]): Moved => ({
  paid: -netOf(pay.address, account, logs),
  got: netOf(get.address, account, logs),
})

/**
 * What a router unwrapped, less what it wrapped: a transfer of the coin leaves no log. Some wrapped coins only tell that
 * they were burned and minted (aeWETH of Arbitrum).
 */
function unwrappedBy(router: Address, wrapped: Address, logs: readonly Log[]): bigint {
  const of = (topic: string) =>
    logs.filter((log) => log.address === wrapped && log.topics[0] === topic && names(log.topics[1], router))
  const [out, put] = [of(topics.withdrawal), of(topics.deposit)]
  if (out.length + put.length > 0) return total(out) - total(put)
  const moves = transfersOf(wrapped, logs)
  const between = (from: Address, to: Address) =>
    total(moves.filter((log) => names(log.topics[1], from) && names(log.topics[2], to)))
  return between(router, none) - between(none, router)
}

/**
 * What a trade through a router moved, by the logs of its receipt. `more` is coin that came out of pools which hold it
 * unwrapped, less what went in.
 */
export function movedThrough(router: Address, trade: Trade, logs: readonly Log[], more = 0n): Moved {
  const net = ({ native, address }: Trade['pay']) =>
    native ? unwrappedBy(router, address, logs) + more : netOf(address, trade.account, logs)
  return { paid: -net(trade.pay), got: net(trade.get) }
}
