import { Interface } from 'ethers/abi'
import { z } from 'zod'
import { Address, type Hex } from '../hex.ts'
import { ask } from './ask.ts'
import { type EvmVenue, type Log, type Reader, Reverted, type Trade, type VenueDefinition } from './venue.ts'

// Aave V3 Pool (aave-v3-core 1.19.3; the same in the later versions of the protocol). `getReserveData` is declared as
// far as it is read: words after it may be of any meaning.
const pool_abi = new Interface([
  'function supply(address asset, uint256 amount, address onBehalfOf, uint16 referralCode)',
  'function withdraw(address asset, uint256 amount, address to) returns (uint256)',
  `function getReserveData(address asset) view returns (uint256 configuration, uint128 liquidityIndex,
    uint128 liquidityRate, uint128 variableBorrowIndex, uint128 variableBorrowRate, uint128 stableBorrowRate,
    uint40 lastUpdate, uint16 id, address atoken)`,
  `event Supply(address indexed reserve, address user, address indexed onBehalfOf, uint256 amount,
    uint16 indexed referralCode)`,
  'event Withdraw(address indexed reserve, address indexed user, address indexed to, uint256 amount)',
])
const token_abi = new Interface([
  'function totalSupply() view returns (uint256)',
  'function balanceOf(address) view returns (uint256)',
])

// ReserveConfiguration.sol: flags, and the supply cap in whole tokens (0: none).
const flags = { active: 56n, frozen: 57n, paused: 60n } as const
const cap_at = 116n
const cap_bits = 36

const params = z.strictObject({
  pool: Address.describe('The Pool: the proxy, not its implementation.'),
  underlying: Address.describe('What is supplied.'),
  atoken: Address.describe('What stands for it, and grows by its interest.'),
})
type Params = z.output<typeof params>

function open({ pool, underlying, atoken }: Params): EvmVenue {
  const side = ({ pay, get }: Trade): 'supply' | 'withdraw' => {
    if (pay.native || get.native) throw new Reverted('the pool takes the wrapped coin only')
    if (pay.address === underlying && get.address === atoken) return 'supply'
    if (pay.address === atoken && get.address === underlying) return 'withdraw'
    throw new Reverted('this market trades the underlying and its aToken only')
  }

  /** What the pool would refuse whoever asks. @throws Reverted */
  async function check(trade: Trade, way: 'supply' | 'withdraw', chain: Reader): Promise<void> {
    const reserve = await ask(chain, pool, pool_abi, 'getReserveData', [underlying])
    const found = String(reserve.getValue('atoken')).toLowerCase()
    if (found !== atoken) throw new Reverted(`the aToken of this reserve is ${found}`)
    const configuration = BigInt(reserve.getValue('configuration'))
    const is = (flag: keyof typeof flags): boolean => ((configuration >> flags[flag]) & 1n) === 1n
    if (!is('active')) throw new Reverted('the reserve is not active')
    if (is('paused')) throw new Reverted('the reserve is paused')
    if (way === 'withdraw') {
      const [there] = await ask(chain, underlying, token_abi, 'balanceOf', [atoken])
      if (BigInt(there) < trade.amount) throw new Reverted('more than the reserve has left')
      return
    }
    if (is('frozen')) throw new Reverted('the reserve is frozen')
    const cap = BigInt.asUintN(cap_bits, configuration >> cap_at) * 10n ** BigInt(trade.pay.decimals)
    const [total] = await ask(chain, atoken, token_abi, 'totalSupply')
    // A lower bound: what the reserve owes its treasury counts too.
    if (cap > 0n && BigInt(total) + trade.amount > cap) throw new Reverted('more than the reserve takes')
  }

  return {
    contracts: [pool],
    allowances: (trade) =>
      side(trade) === 'supply' ? [{ token: underlying, spender: pool, by: 'erc20', amount: trade.amount }] : [],
    encode: (trade) => {
      const { exact, amount, bound, account } = trade
      // The pool knows no bound: what is worse than 1 for 1 for us cannot happen, what is better cannot be had.
      if (exact === 'in' ? bound > amount : bound < amount) throw new Reverted('the pool trades 1 for 1')
      const data =
        side(trade) === 'supply'
          ? pool_abi.encodeFunctionData('supply', [underlying, amount, account, 0])
          : pool_abi.encodeFunctionData('withdraw', [underlying, amount, account])
      return { to: pool, data: data as Hex, value: 0n }
    },
    quote: async (trade, chain) => {
      await check(trade, side(trade), chain)
      return trade.amount
    },
    moved: (trade, logs) => {
      const amount = movedBy(side(trade) === 'supply' ? 'Supply' : 'Withdraw', trade, logs)
      return { paid: amount, got: amount }
    },
  }

  /** Of the pool's own events: those of the aToken mix in interest. */
  function movedBy(event: 'Supply' | 'Withdraw', { account }: Trade, logs: readonly Log[]): bigint {
    let sum = 0n
    for (const log of logs) {
      if (log.address !== pool) continue
      const parsed = pool_abi.parseLog(log)
      if (parsed?.name !== event) continue
      const of = (name: string) => String(parsed.args.getValue(name)).toLowerCase()
      const ours = event === 'Supply' ? of('onBehalfOf') === account : of('user') === account && of('to') === account
      if (ours && of('reserve') === underlying) sum += BigInt(parsed.args.getValue('amount'))
    }
    return sum
  }
}

export const aaveV3: VenueDefinition<z.input<typeof params>, Params> = {
  name: 'aave_v3',
  summary:
    'Supplies a token to a reserve of Aave V3 for its aToken, or withdraws it, 1 for 1. The pool knows no deadline.',
  params,
  open,
}
