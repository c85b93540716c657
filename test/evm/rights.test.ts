import { describe, expect, test } from 'vitest'
import { anvilBinary } from '../../testing/anvil.ts'
import type { DrivenExecutor } from './drive_executor.ts'
import { freshOn } from './fresh_ground.ts'
import { orderOf } from './ground.ts'
import { startVenueGround } from './venue_ground.ts'

describe.skipIf(anvilBinary() === undefined)('rights over tokens', () => {
  const fresh = freshOn(startVenueGround)
  const helpers = (driven: DrivenExecutor) =>
    [...driven.book().all()].filter(({ intent }) => intent.purpose === 'allowance')
  const sale = (driven: DrivenExecutor, key: string, n: number) => ({
    ...orderOf({ key }, n, { side: 'sell', quantity: 0.5 }),
    at: driven.clock.now() + n,
  })

  test('a right by Permit2 that ends with the trade outlasts the plan it was given for', async () => {
    const driven = await fresh.drive({ params: { grant: 'exact', time_to_live: '5m', deadline: '1m' } })
    const order = sale(driven, 'venue:v4', 1)
    await driven.take(order)
    // each block takes its time, and the trade is planned anew some blocks later
    await driven.ended({ pass: 12e6 })
    expect([driven.last(order)?.step, helpers(driven).length]).toEqual(['settled', 2])
  })
  test('a right by Permit2 that has run out is given again', async () => {
    const driven = await fresh.drive({ params: { grant: 'max' } })
    const first = sale(driven, 'venue:v4', 1)
    await driven.take(first)
    await driven.ended()
    const again = sale(driven, 'venue:v4', 2)
    await driven.take(again)
    await driven.ended()
    expect(helpers(driven)).toHaveLength(2)
    driven.clock.ahead += 31 * 86_400e6
    await fresh.ground.anvil.rpc('evm_increaseTime', 31 * 86_400)
    await fresh.ground.proxy.mine()
    const late = sale(driven, 'venue:v4', 3)
    await driven.take(late)
    await driven.ended()
    expect([first, again, late].map((order) => driven.last(order)?.step)).toEqual(['settled', 'settled', 'settled'])
    // that of the token for Permit2 has no end
    expect(helpers(driven)).toHaveLength(3)
  })
  test('two rights of one trade that get into blocks apart are asked for once each', async () => {
    const driven = await fresh.drive()
    const order = sale(driven, 'venue:v4', 1)
    await driven.take(order)
    const { pool } = fresh.ground.proxy
    await driven.until(() => pool.transactions().length === 2, { blocks: 0 })
    await pool.evict(pool.transactions()[1]?.hash ?? '')
    await fresh.ground.proxy.mine()
    for (let look = 0; look < 4; look++) await driven.look()
    expect(helpers(driven).map(({ life }) => life.phase)).toContain('included')
    await driven.ended()
    expect([driven.last(order)?.step, helpers(driven).length]).toEqual(['settled', 2])
  })
  test('exact rights of markets that share a router and a token cover both', async () => {
    const driven = await fresh.drive({ params: { grant: 'exact' } })
    const orders = ['venue:v2', 'venue:v2_coin', 'venue:v2', 'venue:v2_coin'].map((key, n) => sale(driven, key, n))
    await driven.take(...orders)
    await driven.ended()
    expect(orders.map((order) => driven.last(order)?.step)).toEqual(Array(4).fill('settled'))
  })
})
