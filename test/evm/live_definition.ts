import type { Ground } from './ground.ts'

/** A pipeline that follows the trend of the pool in blocks, and trades in it: many small orders, soon. */
export const liveDefinition = ({ anvil, pool, key, params }: Ground) => {
  const endpoints = [{ ws: anvil.ws }]
  const { chain_id } = anvil
  // each order pays for a right of its own, in the quote
  const execution = params({ time_to_live: '30s', deadline: '10m', confirmations: 2, grant: 'exact' })
  const markets = execution.markets.map((market) => ({ ...market, coin: 'quote' }))
  return {
    pipeline: 'live_trend',
    nodes: {
      pools: {
        source: 'evm_pool_states',
        params: { chain_id, endpoints, pools: [{ protocol: 'uniswap_v2', address: pool }] },
      },
      price: { op: 'pool_quote', from: 'pools', params: { base: { [key]: 'token0' } } },
      bars: { op: 'time_bars', from: 'price', params: { every: '3s' } },
      trend: { op: 'ema', from: 'bars', params: { span: 3 } },
      above: { op: 'cross', from: 'bars', latest: { trend: 'trend' }, params: { warm_up: 3 } },
      sized: { op: 'fixed_notional', from: 'above', params: { notional: 1, decimals: 6 } },
      gate: {
        op: 'risk_gate',
        from: { intent: 'sized', fill: 'execute.fill', order: 'execute.order' },
        params: { max_notional: 100, stale_after: '5m', gap_hold: '0s' },
      },
      execute: { sink: 'evm_swap', from: 'gate.approved', params: { ...execution, markets } },
      account: { op: 'portfolio', from: 'execute.fill', params: { cash: 1000, every: '10s' } },
      figures: {
        sink: 'report',
        from: { equity: 'account.equity', position: 'account.position', order: 'execute.order', fill: 'execute.fill' },
      },
    },
  }
}
