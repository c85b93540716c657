import { Interface } from 'ethers/abi'
import { z } from 'zod'
import { Address, type Hex } from '../hex.ts'
import { ask } from './ask.ts'
import { type EvmVenue, type Reader, Reverted, type Trade, type VenueDefinition } from './venue.ts'

// github.com/compound-finance/comet, contracts/CometMainInterface.sol, 044117a.
const comet_abi = new Interface([
  'function supply(address asset, uint256 amount)',
  'function withdraw(address asset, uint256 amount)',
  'function baseToken() view returns (address)',
  'function isSupplyPaused() view returns (bool)',
  'function isWithdrawPaused() view returns (bool)',
  'function balanceOf(address) view returns (uint256)',
  'function borrowBalanceOf(address) view returns (uint256)',
  'event Supply(address indexed from, address indexed dst, uint256 amount)',
  'event Withdraw(address indexed src, address indexed to, uint256 amount)',
])

const params = z.strictObject({
  comet: Address.describe('The market (the proxy), which is also the token that stands for what was supplied.'),
  base: Address.describe('Its base token.'),
})
type Params = z.output<typeof params>

function open({ comet, base }: Params): EvmVenue {
  const side = ({ pay, get }: Trade): 'supply' | 'withdraw' => {
    if (pay.native || get.native) throw new Reverted('the market takes the wrapped coin only')
    if (pay.address === base && get.address === comet) return 'supply'
    if (pay.address === comet && get.address === base) return 'withdraw'
    throw new Reverted('this market trades its base token and itself only')
  }
  const first = async (chain: Reader, to: Address, method: string, ...values: readonly unknown[]): Promise<unknown> =>
    (await ask(chain, to, comet_abi, method, values))[0]

  return {
    contracts: [comet],
    allowances: (trade) =>
      side(trade) === 'supply' ? [{ token: base, spender: comet, by: 'erc20', amount: trade.amount }] : [],
    encode: (trade) => {
      const { exact, amount, bound } = trade
      if (exact === 'in' ? bound > amount : bound < amount) throw new Reverted('the market trades 1 for 1')
      return { to: comet, data: comet_abi.encodeFunctionData(side(trade), [base, amount]) as Hex, value: 0n }
    },
    quote: async (trade, chain) => {
      const way = side(trade)
      const { account, amount } = trade
      const found = String(await first(chain, comet, 'baseToken')).toLowerCase()
      if (found !== base) throw new Reverted(`the base token of this market is ${found}`)
      if (await first(chain, comet, way === 'supply' ? 'isSupplyPaused' : 'isWithdrawPaused'))
        throw new Reverted('the market is paused')
      if (way === 'supply') {
        // It would repay the debt, and nothing would come for it.
        const debt = BigInt(String(await first(chain, comet, 'borrowBalanceOf', account)))
        if (debt > 0n) throw new Reverted('the account owes this market')
        return amount
      }
      // What is withdrawn beyond the balance is borrowed.
      const balance = BigInt(String(await first(chain, comet, 'balanceOf', account)))
      if (balance < amount) throw new Reverted('more than the account has supplied')
      const left = BigInt(String(await first(chain, base, 'balanceOf', comet)))
      if (left < amount) throw new Reverted('more than the market has left')
      return amount
    },
    moved: (trade, logs) => {
      const event = side(trade) === 'supply' ? 'Supply' : 'Withdraw'
      let amount = 0n
      for (const log of logs) {
        const parsed = log.address === comet ? comet_abi.parseLog(log) : null
        if (parsed?.name !== event) continue
        const [from, to, moved] = parsed.args
        const ours = String(from).toLowerCase() === trade.account && String(to).toLowerCase() === trade.account
        if (ours) amount += BigInt(moved)
      }
      return { paid: amount, got: amount }
    },
  }
}

export const compoundV3: VenueDefinition<z.input<typeof params>, Params> = {
  name: 'compound_v3',
  summary:
    'Supplies the base token to a market of Compound V3, or withdraws it, 1 for 1. The market knows no deadline. ' +
    'Tested by what it encodes and decodes, never against the contract.',
  params,
  open,
}
