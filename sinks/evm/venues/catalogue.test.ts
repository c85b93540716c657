import { expect, test } from 'vitest'
import { ZodError, z } from 'zod'
import { Address } from '../hex.ts'
import { venues } from './catalogue.ts'
import { Reverted } from './venue.ts'

const [router, token, other] = ['AB', 'cd', 'ef'].map((byte) => `0x${byte.repeat(20)}`) as [string, string, string]
/** The least params of each. */
const least: Readonly<Record<string, object>> = {
  uniswap_v2: { router, path: [token] },
  uniswap_v3: { router, quoter: router, hops: [{ fee: 500, out: token }] },
  universal_router: {
    router,
    wrapped: token,
    v2_factory: router,
    routes: [{ hops: [{ protocol: 'uniswap_v2', out: token }] }],
  },
  curve_pool: { pool: router, coins: [token, other], index: 'int128' },
  curve_router: { router, route: [token, router, other], swaps: [[0, 1, 1, 1, 2]] },
  balancer_v2: { vault: router, pool_id: `0x${'12'.repeat(32)}` },
  aave_v3: { pool: router, underlying: token, atoken: other },
  compound_v3: { comet: router, base: token },
}
/** The param that names its contract. */
const contract: Readonly<Record<string, string>> = {
  curve_pool: 'pool',
  balancer_v2: 'vault',
  aave_v3: 'pool',
  compound_v3: 'comet',
}

test.each([...venues])(
  '%s is opened by its name with its params, and signs for the contracts it says',
  (name, venue) => {
    expect(venue.name).toBe(name)
    expect(venue.summary).toMatch(/^[A-Z].*\.$/)
    expect(venue.open(least[name]).contracts).toContain(router.toLowerCase())
    expect(() => venue.open({ ...least[name], unknown: 1 })).toThrow(ZodError)
    expect(() => venue.open({ ...least[name], [contract[name] ?? 'router']: 'nowhere' })).toThrow('expected an address')
    expect(() => z.toJSONSchema(venue.params, { io: 'input' })).not.toThrow()
  },
)

const coin = (address: string) => ({ address: Address.parse(address), decimals: 18, native: false })
test.each(['aave_v3', 'compound_v3', 'curve_pool', 'curve_router', 'balancer_v2', 'uniswap_v2', 'uniswap_v3'])(
  '%s refuses what another kind of contract answers, which ends an order and not a run',
  async (name) => {
    const account = Address.parse(`0x${'34'.repeat(20)}`)
    const trade = {
      pay: coin(token),
      get: coin(other),
      exact: 'in',
      amount: 1n,
      bound: 0n,
      account,
      deadline: 1,
    } as const
    const quote = venues.get(name)?.open(least[name])
    // uniswap trades to the last token of its path
    const way = name.startsWith('uniswap') ? { ...trade, pay: coin(other), get: coin(token) } : trade
    const chain = { call: () => Promise.resolve('0x' as const) }
    await expect(quote?.quote(name === 'compound_v3' ? { ...trade, get: coin(router) } : way, chain)).rejects.toThrow(
      Reverted,
    )
  },
)
