import { describe, expect, test } from 'vitest'
import { absolute, fixed, subtract, ZERO } from '../../schemas/fixed.ts'
import type { Fill } from '../../schemas/orders.ts'
import { toFixed } from '../../sinks/execution/told.ts'
import { anvilBinary } from '../../testing/anvil.ts'
import type { DrivenExecutor } from './drive_executor.ts'
import { freshOn } from './fresh_ground.ts'
import { orderOf } from './ground.ts'
import { startVenueGround } from './venue_ground.ts'

const gwei = 10n ** 9n

describe.skipIf(anvilBinary() === undefined)('what orders cost', () => {
  const fresh = freshOn(startVenueGround)
  const coins = async () =>
    BigInt(String(await fresh.ground.anvil.rpc('eth_getBalance', fresh.ground.account, 'latest')))
  const order = async (driven: DrivenExecutor, side: 'buy' | 'sell', key = 'venue:v2_coin') => {
    const taken = { ...orderOf({ key }, 1, { side, quantity: 0.5 }), at: driven.clock.now() }
    const sent = { ...taken, id: `${taken.id}/${taken.at}` }
    await driven.take(sent)
    return sent
  }
  const fillsOf = (driven: DrivenExecutor) =>
    driven.answers.filter(({ port }) => port === 'fill').map(({ value }) => value as Fill)
  /** What an account that only hears fills believes to have spent of the coin, which is the quote. */
  const spent = (driven: DrivenExecutor): bigint =>
    fillsOf(driven).reduce((sum, { side, notional, fee }) => sum + fee + (side === 'buy' ? notional : -notional), 0n)
  async function agrees(driven: DrivenExecutor, before: bigint): Promise<void> {
    const moved = toFixed(before - (await coins()), 18)
    // each of a fill's two amounts is told to the nearest 1e-8
    expect(absolute(subtract(moved, spent(driven) as typeof moved))).toBeLessThanOrEqual(BigInt(fillsOf(driven).length))
  }

  test('gas of rights, of what reverts and of what takes a place back is told, as is that of trades', async () => {
    const params = {
      grant: 'max',
      max_fee: '200',
      stuck_after: 1000,
      deadline: '2m',
      cancel_after: '10s',
      time_to_live: '10m',
    }
    const driven = await fresh.drive({ params })
    const { anvil, proxy } = fresh.ground
    const before = await coins()
    const sold = await order(driven, 'sell')
    await driven.ended()
    expect(driven.last(sold)?.step).toBe('settled')
    // a right, then the trade
    expect(fillsOf(driven).map(({ quantity }) => quantity)).toEqual([ZERO, fixed(0.5)])
    await agrees(driven, before)

    // its deadline is over when it gets into a block
    const late = await order(driven, 'sell')
    await driven.stepped(late, 'sent', { blocks: 0 })
    await anvil.rpc('evm_increaseTime', 200)
    await driven.stepped(late, 'reverted')
    expect(driven.fills(late)).toMatchObject([{ side: 'sell', quantity: ZERO, notional: ZERO }])
    expect(driven.updates(late)).toEqual(['accepted', 'cancelled'])
    await agrees(driven, before)

    const mineAt = async (base_fee: bigint) => {
      await anvil.rpc('anvil_setNextBlockBaseFeePerGas', `0x${base_fee.toString(16)}`)
      await proxy.mine()
    }
    await mineAt(gwei)
    await driven.look()
    const stuck = await order(driven, 'buy')
    await driven.stepped(stuck, 'sent', { blocks: 0 })
    driven.clock.ahead += 200e6
    await anvil.rpc('evm_increaseTime', 200)
    const cancelled = async () => {
      await mineAt(20n * gwei)
      return driven.last(stuck)?.step === 'cancelled'
    }
    await driven.until(cancelled, { blocks: 0 })
    expect(driven.fills(stuck)).toMatchObject([
      { side: 'buy', quantity: ZERO, fee: toFixed(gasOf(driven, stuck.id), 18) },
    ])
    await agrees(driven, before)
  })

  test('what a chain of the OP stack charges for its data is told with the gas', async () => {
    const driven = await fresh.drive({ params: { grant: 'max' } })
    const sold = await order(driven, 'sell')
    await driven.ended()
    const { proxy } = fresh.ground
    const next = await order(driven, 'sell')
    await driven.stepped(next, 'seen', { blocks: 0 })
    await proxy.mine()
    const receipt = (await proxy.answer('eth_getTransactionReceipt', [driven.last(next)?.transaction])) as {
      readonly result: object
    }
    const l1Fee = `0x${(10n ** 15n).toString(16)}`
    proxy.meets = (method) =>
      method === 'eth_getTransactionReceipt' ? { type: 'says', result: { ...receipt.result, l1Fee } } : undefined
    await driven.ended()
    const [without, with_data] = [sold, next].map((of) => driven.fills(of).at(-1)?.fee ?? ZERO)
    const gas = (of: typeof sold) => toFixed(gasOf(driven, of.id), 18)
    expect([without, with_data]).toEqual([gas(sold), gas(next) + toFixed(10n ** 15n, 18)])
    expect(driven.book().get(next.id)?.inclusion).toMatchObject({ data_fee: (10n ** 15n).toString() })
    await driven.restart()
    expect(driven.fills(next)).toHaveLength(1)
  })

  test('where the coin is neither token nothing is told of gas, since no price of it is known', async () => {
    const driven = await fresh.drive({ params: { grant: 'max', deadline: '2m', cancel_after: '1h' } })
    const late = await order(driven, 'sell', 'venue:v2')
    await driven.stepped(late, 'sent')
    await fresh.ground.anvil.rpc('evm_increaseTime', 400)
    await driven.stepped(late, 'reverted')
    expect(fillsOf(driven)).toEqual([])
  })
})
/** Gas that an order paid, in wei. */
function gasOf(driven: DrivenExecutor, id: string): bigint {
  const { gas = '0', gas_price = '0' } = driven.book().get(id)?.inclusion ?? {}
  return BigInt(gas) * BigInt(gas_price)
}
