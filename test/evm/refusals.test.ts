import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { journalDirectory } from '../../sinks/evm/open_executor.ts'
import { anvilBinary } from '../../testing/anvil.ts'
import type { DrivenExecutor } from './drive_executor.ts'
import { freshGround } from './fresh_ground.ts'
import { orderOf } from './ground.ts'
import { untruths } from './truth.ts'

const unit = 10n ** 18n
const gwei = 10n ** 9n

describe.skipIf(anvilBinary() === undefined)('what is not traded', () => {
  const fresh = freshGround()
  const count = async () =>
    Number(await fresh.ground.anvil.rpc('eth_getTransactionCount', fresh.ground.account, 'latest'))

  /** The order is refused with a code, nothing of it is on the chain, and the next one is done all the same. */
  async function refused(driven: DrivenExecutor, more: Readonly<Record<string, unknown>>, code: string): Promise<void> {
    const before = (await fresh.ground.swaps()).length
    const order = await driven.order(1, more)
    await driven.ended()
    expect(driven.last(order)).toMatchObject({ step: 'rejected', code, transaction: '' })
    expect(driven.updates(order)).toEqual(['accepted', 'cancelled'])
    expect(await fresh.ground.swaps()).toHaveLength(before)
    expect(await untruths(fresh.ground, driven)).toEqual([])
  }

  test('an account that cannot pay for gas', async () => {
    const driven = await fresh.drive()
    await driven.order(9)
    await driven.ended()
    await fresh.ground.anvil.rpc('anvil_setBalance', fresh.ground.account, '0x3e8')
    await refused(driven, {}, 'FUNDS')
    await fresh.ground.anvil.rpc('anvil_setBalance', fresh.ground.account, `0x${unit.toString(16)}`)
    const next = await driven.order(2)
    await driven.ended()
    expect(driven.last(next)?.step).toBe('settled')
  })
  test('more than the account has of a token', async () => {
    const driven = await fresh.drive({ params: { slippage: 0.5 } })
    await refused(driven, { quantity: 100_001, limit: 0.0001 }, 'SIM_REVERT')
  })
  test('a price that has moved past the bound', async () => {
    const driven = await fresh.drive({ params: { slippage: 0.01 } })
    await fresh.ground.uniswap.swap('v2', 0, 2000n * unit)
    await fresh.ground.proxy.mine()
    await refused(driven, {}, 'PRICE_MOVED')
  })
  test('a price worse than the limit of the order', async () => {
    await refused(await fresh.drive(), { limit: 1.01 }, 'PRICE_MOVED')
    await refused(await fresh.drive(), { side: 'buy', limit: 0.99 }, 'PRICE_MOVED')
  })
  test('gas that may cost more than allowed', async () => {
    await refused(await fresh.drive({ params: { max_gas_cost: '0.000000001' } }), {}, 'GAS_EXCEEDS_MAX')
    expect(await count()).toBe(0)
  })
  test('less than the smallest unit of a token', async () => {
    const { params } = fresh.ground
    const [market] = params().markets
    const base = { ...market?.base, decimals: 0 }
    await refused(await fresh.drive({ params: { markets: [{ ...market, base }] } }), { quantity: 0.5 }, 'AMOUNT_ZERO')
  })

  test('gas that is too dear is waited for, and the order expires', async () => {
    const driven = await fresh.drive({ params: { max_fee: '2', time_to_live: '1m' } })
    const dear = async () => {
      await fresh.ground.anvil.rpc('anvil_setNextBlockBaseFeePerGas', `0x${(50n * gwei).toString(16)}`)
      await fresh.ground.proxy.mine()
    }
    await dear()
    const order = await driven.order(1)
    for (let n = 0; n < 5; n++) {
      await driven.look()
      await dear()
    }
    expect(driven.steps(order)).toEqual(['received'])
    expect(driven.notices.some((text) => text.includes('gas costs more than may be offered'))).toBe(true)
    driven.clock.ahead += 60e6
    await driven.look()
    expect(driven.steps(order)).toEqual(['received', 'expired'])
    expect(driven.updates(order)).toEqual(['accepted', 'cancelled'])
    expect(await count()).toBe(0)
  })
  test('gas that becomes cheap again in time is used', async () => {
    const driven = await fresh.drive({ params: { max_fee: '2' } })
    await fresh.ground.anvil.rpc('anvil_setNextBlockBaseFeePerGas', `0x${(4n * gwei).toString(16)}`)
    await fresh.ground.proxy.mine()
    const order = await driven.order(1)
    await driven.look()
    expect(driven.steps(order)).toEqual(['received'])
    await driven.ended()
    expect(driven.last(order)?.step).toBe('settled')
  })
  test('an order that is old when it comes has expired, over a restart too', async () => {
    const driven = await fresh.drive({ params: { time_to_live: '30s' } })
    const old = { ...orderOf(fresh.ground, 1), at: driven.clock.now() - 31e6 }
    await driven.take(old)
    await driven.ended()
    expect(driven.steps(old)).toEqual(['received', 'expired'])
    fresh.ground.proxy.doors = 'shut'
    fresh.ground.proxy.cut()
    const waits = await driven.order(2)
    await driven.close()
    fresh.ground.proxy.doors = 'open'
    driven.clock.ahead += 31e6
    await driven.open()
    await driven.ended()
    expect(driven.steps(waits)).toEqual(['received', 'expired'])
    expect(await count()).toBe(0)
  })

  test('an instrument without a market', async () => {
    const driven = await fresh.drive()
    const order = orderOf({ key: 'uniswap_v2:somewhere' }, 1)
    await driven.take(order)
    const traded = await driven.order(2)
    await driven.ended()
    expect(driven.last(order)).toMatchObject({ step: 'rejected', code: 'MARKET_UNKNOWN' })
    expect(driven.last(traded)?.step).toBe('settled')
  })

  const changed = (more: Readonly<Record<string, unknown>>) => {
    const [market] = fresh.ground.params().markets
    return { markets: [{ ...market, ...more }] }
  }
  const nowhere = '0x00000000000000000000000000000000000abcde'
  test('a router or a token that is no contract is no start', async () => {
    const { venue } = fresh.ground.params().markets[0] as { venue: object }
    for (const more of [{ venue: { ...venue, router: nowhere } }, { base: { address: nowhere, decimals: 18 } }])
      await expect(fresh.drive({ params: changed(more) })).rejects.toMatchObject({
        code: 'CONTRACT_ABSENT',
        info: { address: nowhere },
      })
  })
  test('a key of another address, and no key, are no start', async () => {
    const signer = (more: object) => ({ signer: { from: 'key_file', address: fresh.ground.account, ...more } })
    await expect(fresh.drive({ params: signer({ name: 'TRADER', address: nowhere }) })).rejects.toMatchObject({
      code: 'KEY_INVALID',
    })
    await expect(fresh.drive({ params: signer({ name: 'NOBODY' }) })).rejects.toMatchObject({ code: 'KEY_INVALID' })
  })

  test('a journal that is damaged, or of a newer version, or of a log that heard more, is no start', async () => {
    const driven = await fresh.drive()
    await driven.order(1)
    await driven.ended()
    await driven.close()
    const of = { chain: `eip155:${fresh.ground.anvil.chain_id}`, signer: fresh.ground.account }
    const file = join(
      journalDirectory((name) => driven.environment[name], of),
      'journal.jsonl',
    )
    const whole = readFileSync(file, 'utf8')
    writeFileSync(file, whole.replace('"step"', '"stop"').replace('"included"', '"includes"'))
    await expect(driven.open()).rejects.toMatchObject({ code: 'JOURNAL_CORRUPT' })
    const lines = whole.split('\n')
    const { crc32 } = await import('node:zlib')
    const newer = (lines[0] as string).slice(9).replace('"tidegate_journal":1', '"tidegate_journal":2')
    const header = `${crc32(newer).toString(16).padStart(8, '0')} ${newer}`
    writeFileSync(file, [header, ...lines.slice(1)].join('\n'))
    await expect(driven.open()).rejects.toMatchObject({ code: 'JOURNAL_NEWER' })
    writeFileSync(file, `${lines.slice(0, 6).join('\n')}\n`)
    await expect(driven.open()).rejects.toMatchObject({ code: 'JOURNAL_FOREIGN' })
    expect(await count()).toBe(2)
    writeFileSync(file, whole)
    await driven.open()
    const next = await driven.order(2)
    await driven.ended()
    expect(driven.last(next)?.step).toBe('settled')
    expect(await untruths(fresh.ground, driven)).toEqual([])
  })
})
