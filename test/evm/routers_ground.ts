import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import { Address } from '../../sinks/evm/hex.ts'
import { grantsOf, missingOf } from '../../sinks/evm/venues/allowances.ts'
import { type EvmVenue, type Log, type Reader, Reverted, type Token, type Trade } from '../../sinks/evm/venues/venue.ts'
import { type Anvil, startAnvil } from '../../testing/anvil.ts'
import { balanceOf, settle } from '../../testing/settled_trade.ts'
import { callOn, deployUniswapRouters, sendFrom, type UniswapRouters } from '../../testing/uniswap_routers.ts'

/** A time no chain has come to, seconds. */
export const later = 4_000_000_000

type On = readonly [anvil: Anvil, ground: UniswapRouters, chain: Reader]
/** All routers of Uniswap for the tests of a file, as they were at first before each of them. `set` adds to them once. */
export function routersGround(set: (...on: On) => Promise<void> | void) {
  let [anvil, ground, chain]: On = [] as never
  let snapshot: unknown
  const keep = async () => {
    snapshot = await anvil.rpc('evm_snapshot')
  }
  const back = async () => {
    await anvil.rpc('evm_revert', snapshot)
  }
  beforeAll(async () => {
    anvil = await startAnvil()
    ground = await deployUniswapRouters(anvil)
    chain = { call: callOn(anvil, (reason) => new Reverted(reason)) }
    await set(anvil, ground, chain)
  }, 60_000)
  afterAll(() => anvil?.close())
  beforeEach(keep)
  afterEach(back)
  const erc20 = (address: string): Token => ({ address: Address.parse(address), decimals: 18, native: false })
  const balances = () =>
    [undefined, ground.weth, ground.a, ground.b, ground.c].map((t) => balanceOf(anvil, ground.universal, t))
  return {
    erc20,
    /** The chain's own. */
    coin: (): Token => ({ ...erc20(ground.weth), native: true }),
    /** A trade of the trader, far from any bound and deadline unless `more` says so. */
    trade: (pay: Token, get: Token, exact: 'in' | 'out', amount: bigint, more: Partial<Trade> = {}): Trade => {
      const account = Address.parse(ground.trader)
      return { pay, get, exact, amount, bound: exact === 'in' ? 0n : 2n * amount, account, deadline: later, ...more }
    },
    /** Gives exactly the rights that are missing, sends it, and gives what the logs say beside what the balances say. */
    done: async (venue: EvmVenue, order: Trade) => {
      const missing = await missingOf(venue.allowances(order), order.account, order.deadline, chain)
      for (const call of await grantsOf(missing, order.account, { grant: 'exact', expiration: order.deadline }, chain))
        await sendFrom(anvil, ground.trader, call)
      const { receipt, balances } = await settle(anvil, ground.trader, venue.encode(order), order)
      return { status: receipt.status, balances, moved: venue.moved(order, receipt.logs as readonly Log[]) }
    },
    /** What the Universal Router is left with, of the coin and all tokens: anybody could take it. */
    left: () => Promise.all(balances()),
    /** As it was before the test, in the middle of it. */
    anew: async () => {
      await back()
      await keep()
    },
    keep,
  }
}
