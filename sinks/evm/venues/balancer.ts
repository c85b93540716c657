import { Interface } from 'ethers/abi'
import { ZeroAddress } from 'ethers/constants'
import { z } from 'zod'
import { Address, type Hex } from '../hex.ts'
import { ask } from './ask.ts'
import { mostPaid } from './legs.ts'
import { type EvmVenue, Reverted, type Token, type Trade, type VenueDefinition } from './venue.ts'

// Balancer V2 (github.com/balancer/balancer-v2-monorepo, IVault.sol): one Vault holds the tokens of all pools.
const funds = 'tuple(address sender, bool fromInternalBalance, address recipient, bool toInternalBalance) funds'
const vault_abi = new Interface([
  `function swap(tuple(bytes32 poolId, uint8 kind, address assetIn, address assetOut, uint256 amount, bytes userData)
    singleSwap, ${funds}, uint256 limit, uint256 deadline) payable returns (uint256)`,
  `function queryBatchSwap(uint8 kind, tuple(bytes32 poolId, uint256 assetInIndex, uint256 assetOutIndex,
    uint256 amount, bytes userData)[] swaps, address[] assets, ${funds}) returns (int256[])`,
  `event Swap(bytes32 indexed poolId, address indexed tokenIn, address indexed tokenOut, uint256 amountIn,
    uint256 amountOut)`,
])

const params = z.strictObject({
  vault: Address,
  pool_id: z
    .string()
    .regex(/^0x[0-9a-fA-F]{64}$/, 'expected the id of a pool: 0x and 64 hexadecimal digits')
    .transform((text) => text.toLowerCase())
    .describe('The id of the pool, which begins with its address.'),
})
type Params = z.output<typeof params>

function open({ vault, pool_id }: Params): EvmVenue {
  /** The zero address is the coin itself, which the Vault wraps and unwraps. */
  const asset = ({ address, native }: Token): string => (native ? ZeroAddress : address)
  const ours = ({ account }: Trade) => [account, false, account, false]
  const kind = ({ exact }: Trade): 0 | 1 => (exact === 'in' ? 0 : 1)

  return {
    contracts: [vault],
    allowances: (trade) =>
      trade.pay.native ? [] : [{ token: trade.pay.address, spender: vault, by: 'erc20', amount: mostPaid(trade) }],
    encode: (trade) => {
      const { pay, get, amount, bound, deadline } = trade
      const single = [pool_id, kind(trade), asset(pay), asset(get), amount, '0x']
      const data = vault_abi.encodeFunctionData('swap', [single, ours(trade), bound, deadline])
      // What is left of it the Vault sends back.
      return { to: vault, data: data as Hex, value: pay.native ? mostPaid(trade) : 0n }
    },
    quote: async (trade, chain) => {
      const step = [pool_id, 0, 1, trade.amount, '0x']
      const assets = [asset(trade.pay), asset(trade.get)]
      const values = [kind(trade), [step], assets, ours(trade)]
      const [deltas] = await ask(chain, vault, vault_abi, 'queryBatchSwap', values)
      // What the Vault would take is positive, what it would give negative.
      const [taken, given] = [BigInt(deltas[0]), -BigInt(deltas[1])]
      if (taken < 0n || given < 0n) throw new Reverted('the pool would pay and be paid the wrong way')
      return trade.exact === 'in' ? given : taken
    },
    moved: ({ pay, get }, logs) => {
      let [paid, got] = [0n, 0n]
      for (const log of logs) {
        const parsed = log.address === vault ? vault_abi.parseLog(log) : null
        if (parsed?.name !== 'Swap') continue
        const [pool, from, to, taken, given] = parsed.args
        if (pool !== pool_id || String(from).toLowerCase() !== pay.address || String(to).toLowerCase() !== get.address)
          continue
        paid += BigInt(taken)
        got += BigInt(given)
      }
      return { paid, got }
    },
  }
}

export const balancerV2: VenueDefinition<z.input<typeof params>, Params> = {
  name: 'balancer_v2',
  summary:
    'Swaps in one pool of Balancer V2 by its Vault. ' +
    'Tested by what it encodes and decodes, never against the contract.',
  params,
  open,
}
