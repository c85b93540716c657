import { defineSink } from '../../runtime/define.ts'
import { ApprovedOrder, Fill, OrderStep, OrderUpdate } from '../../schemas/orders.ts'
import { evmSwapParams as params } from './params.ts'
import { swapParams } from './simulated_example.ts'
import { simulatedSwap } from './simulated_swap.ts'

export const evmSwap = defineSink({
  name: 'evm_swap',
  version: 2,
  summary: 'Trades approved orders on decentralised exchanges of an EVM chain, one transaction an order.',
  notes:
    'An order becomes an exact amount and a bound when it is received: `slippage` from the price it was sized at, or its limit. Its steps come on `step`, the same in backtest, paper and live: received, planned, simulated, signed, sent, seen, included, final, settled; what goes wrong ends in rejected, expired, reverted, cancelled. A fill comes when its block has `confirmations` on top; `fee` is the gas (with `l1Fee` of the receipt on chains of the OP stack), where one of the two tokens is the coin of the chain, and 0 otherwise. Gas of transactions that trade nothing (they revert, cancel, or give rights) comes as a fill of quantity 0, at the price the order was quoted at, so that the account books it.\n\n' +
    'Backtest and paper simulate the chain, with the same rules as live. Pool states of the instrument are what it trades against: `pool_state` rows under the key of the order (an order before the first is refused, NO_PRICE). `block` rows under that key (`instruments` of evm_blocks) tell of blocks, base fees and reorganisations; without them a block comes every `block_time` of event time, at the multiples of it since 1970, while orders are under way. A transaction is seen at once and is in the first block from `inclusion_blocks` on whose base fee it pays, after those before it in the order of nonces; nonces count from 0 for each instrument. There it trades at the newest state of the pool, by the integer curve of its contract, to the unit, and moves a copy of the state for trades after it, until the next row, or until a block is taken back. It reverts by chance (`revert_probability`, decided by the order alone), when the price has left its bound (PRICE_MOVED), after its deadline (DEADLINE), or when it would go past what is known of the pool (RANGE_UNKNOWN): pools with concentrated liquidity are known up to the end of the tick range they stand in, and of a fee tier that is not 100, 500, 3000 or 10000 the range is one tick. Stable pools are refused (NO_CURVE). Gas is `gas_used` for a trade, whatever becomes of it, and 21000 for a cancel. The tip offered is `min_tip`, for rows tell none. No rights over tokens and no balances are simulated. At the end of finite data the chain goes on alone, at the last state and base fee, for up to 256 blocks; orders that are open then are cancelled, `end_of_data`.',
  input: { order: ApprovedOrder },
  output: { order: OrderUpdate, fill: Fill, step: OrderStep },
  params,
  // loaded where it trades: it brings signing and databases with it
  execute: async (given, context) => (await import('./open_executor.ts')).openExecutor(given, context),
  simulate: simulatedSwap,
  example: { params: swapParams },
})
