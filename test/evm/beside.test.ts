import { describe, expect, test } from 'vitest'
import { anvilBinary } from '../../testing/anvil.ts'
import type { DrivenExecutor } from './drive_executor.ts'
import { freshGround } from './fresh_ground.ts'
import { orderOf, paidOf } from './ground.ts'

describe.skipIf(anvilBinary() === undefined)('orders of another pipeline in the journal of the signer', () => {
  const fresh = freshGround()
  const elsewhere = 'uniswap_v2:elsewhere'
  /** A pipeline that names the pool by another name, and so has no market for the orders of others. */
  const beside = ({ environment }: DrivenExecutor, more: Readonly<Record<string, unknown>> = {}) => {
    const [market] = fresh.ground.params().markets
    const params = { markets: [{ ...market, instrument: elsewhere }], ...more }
    return fresh.prepare({ environment, node: 'beside', params }).open()
  }
  const orderBeside = async (driven: DrivenExecutor, n: number) => {
    const order = { ...orderOf({ key: elsewhere }, n), at: driven.clock.now() }
    await driven.take(order)
    return order
  }
  const phaseOf = (driven: DrivenExecutor, id: string) => driven.book().get(id)?.life.phase
  /** An order of a pipeline that stops while it is under way. */
  async function left(params: Readonly<Record<string, unknown>> = {}) {
    const own = await fresh.drive({ params })
    await own.order(1)
    await own.ended()
    const order = await own.order(2)
    await own.stepped(order, 'sent', { blocks: 0 })
    await own.close()
    return { own, order }
  }

  test.each(['before', 'after'])(
    'one without a market here that gets into a block %s the start is left to its pipeline, and holds up nobody',
    async (when) => {
      const { own, order } = await left()
      if (when === 'before') await fresh.ground.proxy.mine()
      const other = await beside(own)
      const traded = await orderBeside(other, 3)
      await other.stepped(traded, 'settled')
      expect(phaseOf(other, order.id)).not.toBe('settled')
      expect(other.notices.filter((text) => text.startsWith(order.id) && text.includes('in block'))).toHaveLength(1)
      expect(other.fills(traded)).toHaveLength(1)
      await other.close()

      await own.open()
      await own.ended()
      expect(own.last(order)?.step).toBe('settled')
      expect(own.fills(order)).toHaveLength(1)
      expect((await fresh.ground.swaps()).map(({ paid }) => paid)).toEqual([paidOf(1), paidOf(2), paidOf(3)])
    },
  )
  test('one without a market here that was signed and never sent is sent, since others wait for its nonce', async () => {
    const own = await fresh.drive()
    await own.order(1)
    await own.ended()
    fresh.ground.proxy.meets = (method) =>
      method === 'eth_sendRawTransaction' ? { type: 'dies', when: 'before' } : undefined
    const order = await own.order(2)
    await own.stepped(order, 'sent', { blocks: 0 })
    await own.close()
    fresh.ground.proxy.meets = () => undefined
    const other = await beside(own)
    const traded = await orderBeside(other, 3)
    await other.stepped(traded, 'settled')
    expect((await fresh.ground.swaps()).map(({ paid }) => paid)).toEqual([paidOf(1), paidOf(2), paidOf(3)])
  })
  test('one without a market here that is in a block holds no coins back', async () => {
    const { own, order } = await left()
    // empty blocks lower the base fee: the next order offers less
    await fresh.ground.proxy.mine(12)
    const [attempt] = own.book().get(order.id)?.attempts ?? []
    const coins = (BigInt(attempt?.gas ?? 0) * BigInt(attempt?.max_fee ?? 0) * 9n) / 10n
    await fresh.ground.anvil.rpc('anvil_setBalance', fresh.ground.account, `0x${coins.toString(16)}`)
    const other = await beside(own)
    await other.stepped(await orderBeside(other, 3), 'settled')
  })
  test('one without a market here that fails, or is taken back after its deadline, ends by what the chain says', async () => {
    const { own, order } = await left({ deadline: '2m', cancel_after: '10s', time_to_live: '10m' })
    const other = await beside(own, { deadline: '2m', cancel_after: '10s' })
    other.clock.ahead += 200e6
    await fresh.ground.anvil.rpc('evm_increaseTime', 200)
    await other.until(() => phaseOf(other, order.id) === 'reverted')
    await other.close()
    await own.open()
    expect(own.updates(order)).toEqual(['accepted', 'cancelled'])
  })
})
