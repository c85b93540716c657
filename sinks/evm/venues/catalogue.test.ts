import { expect, test } from 'vitest'
import { ZodError, z } from 'zod'
import { venues } from './catalogue.ts'

const [router, token] = [`0x${'AB'.repeat(20)}`, `0x${'cd'.repeat(20)}`]
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
}

test.each([...venues])(
  '%s is opened by its name with its params, and signs for the contracts it says',
  (name, venue) => {
    expect(venue.name).toBe(name)
    expect(venue.summary).toMatch(/^[A-Z].*\.$/)
    expect(venue.open(least[name]).contracts).toContain(router.toLowerCase())
    expect(() => venue.open({ ...least[name], unknown: 1 })).toThrow(ZodError)
    expect(() => venue.open({ ...least[name], router: 'nowhere' })).toThrow('expected an address')
    expect(() => z.toJSONSchema(venue.params, { io: 'input' })).not.toThrow()
  },
)
