import { expect, test } from 'vitest'
import { ZodError, z } from 'zod'
import { venues } from './catalogue.ts'

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
