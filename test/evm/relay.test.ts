import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { anvilBinary } from '../../testing/anvil.ts'
import { type PrivateRelay, startPrivateRelay } from '../../testing/private_relay.ts'
import type { DrivenExecutor } from './drive_executor.ts'
import { freshGround } from './fresh_ground.ts'
import { paidOf } from './ground.ts'
import { untruths } from './truth.ts'

const unit = 10n ** 18n

describe.skipIf(anvilBinary() === undefined)('a private relay', () => {
  const fresh = freshGround()
  let relay: PrivateRelay
  let sends = 0
  beforeEach(async () => {
    relay = await startPrivateRelay(fresh.ground.proxy)
    sends = fresh.ground.proxy.counts.sends
  })
  afterEach(async () => {
    // whatever became of them, the public never saw the bytes
    expect(fresh.ground.proxy.counts.sends).toBe(sends)
    fresh.ground.proxy.builders.length = 0
    await relay.close()
  })
  const drive = (more: Readonly<Record<string, unknown>> = {}) =>
    fresh.drive({ params: { relay: { http: relay.http }, ...more } })
  const attemptsOf = (driven: DrivenExecutor, id: string) => driven.book().get(id)?.attempts ?? []
  async function done(driven: DrivenExecutor, n: number) {
    const order = await driven.order(n)
    await driven.ended({ looks: 80 })
    expect(driven.last(order)?.step).toBe('settled')
    return order
  }

  test('an order is in a block without anybody having seen it before', async () => {
    const driven = await drive()
    const order = await driven.order(1)
    await driven.stepped(order, 'sent')
    expect(fresh.ground.proxy.pool.transactions()).toEqual([])
    await driven.ended()
    expect(driven.last(order)?.step).toBe('settled')
    // once for every block, as long as nobody admits to having it
    const sent = driven.told(order).filter(({ step }) => step === 'sent')
    expect(sent.filter(({ detail }) => !detail.endsWith(': accepted'))).toEqual([])
    expect(await untruths(fresh.ground, driven)).toEqual([])
    expect((await fresh.ground.swaps()).map(({ paid }) => paid)).toEqual([paidOf(1)])
  })

  test('one that would revert is in no block; its nonce is taken back after its deadline, and the next goes on', async () => {
    const driven = await drive({ slippage: 0.01, deadline: '3m', cancel_after: '10s', stuck_after: 1000 })
    await done(driven, 9)
    const order = await driven.order(1)
    await driven.stepped(order, 'sent', { blocks: 0 })
    // the price moves, and stays away
    await fresh.ground.uniswap.swap('v2', 0, 2000n * unit)
    const [attempt] = attemptsOf(driven, order.id)
    for (let n = 0; n < 26; n++) {
      await driven.look()
      await fresh.ground.proxy.mine()
    }
    await driven.look()
    expect(driven.steps(order)).not.toContain('included')
    expect(await fresh.ground.swaps()).toHaveLength(1)

    driven.clock.ahead += 300e6
    await fresh.ground.anvil.rpc('evm_increaseTime', 300)
    await driven.until(() => driven.last(order)?.step === 'cancelled', { looks: 80 })
    expect(attemptsOf(driven, order.id).map(({ purpose }) => purpose)).toEqual(['act', 'cancel'])
    expect(relay.status(attempt?.hash ?? '')).not.toBe('INCLUDED')
    expect(driven.updates(order)).toEqual(['accepted', 'cancelled'])
    const next = await driven.order(2, { limit: 0.5 })
    await driven.ended({ looks: 80 })
    expect(driven.last(next)?.step).toBe('settled')
    expect(await untruths(fresh.ground, driven)).toEqual([])
  })

  test('one that the relay gave up after 25 blocks is given to it again, the same bytes', async () => {
    const driven = await drive({ stuck_after: 1000 })
    await done(driven, 9)
    // no block of the relay for a while
    const builders = fresh.ground.proxy.builders.splice(0)
    const order = await driven.order(1)
    await driven.stepped(order, 'sent', { blocks: 0 })
    const [attempt] = attemptsOf(driven, order.id)
    await fresh.ground.proxy.mine(26)
    for (const builder of builders) await builder.after()
    expect(relay.status(attempt?.hash ?? '')).toBe('FAILED')
    fresh.ground.proxy.builders.push(...builders)
    await driven.ended({ looks: 80 })
    expect(driven.last(order)).toMatchObject({ step: 'settled', attempt: 1, transaction: attempt?.hash })
    expect(attemptsOf(driven, order.id)[0]?.sends).toBeGreaterThan(1)
    expect(await untruths(fresh.ground, driven)).toEqual([])
  })

  test('a relay that fails is asked again, and nobody else is', async () => {
    const driven = await drive()
    const faults = [
      { type: 'dies', when: 'before' },
      { type: 'dies', when: 'after' },
      { type: 'status', status: 503, when: 'before' },
      { type: 'html', when: 'after' },
      { type: 'hang', when: 'before' },
    ] as const
    let n = 0
    relay.meets = (method) => (method === 'eth_sendRawTransaction' ? faults[n++] : undefined)
    await done(driven, 1)
    await done(driven, 2)
    expect(n).toBeGreaterThan(faults.length)
    expect(await untruths(fresh.ground, driven)).toEqual([])
    expect(await fresh.ground.swaps()).toHaveLength(2)
  })

  test('a relay that is away: the order waits, and a restart changes nothing', async () => {
    const driven = await drive()
    await done(driven, 9)
    relay.doors = 'shut'
    relay.cut()
    const order = await driven.order(1)
    for (let look = 0; look < 4; look++) {
      await driven.look()
      await fresh.ground.proxy.mine()
    }
    await driven.restart()
    const [before] = attemptsOf(driven, order.id)
    expect(driven.steps(order)).not.toContain('seen')
    relay.doors = 'open'
    await driven.ended({ looks: 80 })
    const book = driven.book().get(order.id)
    expect([book?.life.phase, book?.attempts[0]?.hash]).toEqual(['settled', before?.hash])
    expect(await untruths(fresh.ground, driven)).toEqual([])
  })

  test('blocks taken back: what the relay held stays unseen, and is settled once', async () => {
    const driven = await drive({ confirmations: 4 })
    await done(driven, 9)
    const order = await driven.order(1)
    await driven.stepped(order, 'included')
    await fresh.ground.proxy.reorg(2, { returns: true })
    expect(fresh.ground.proxy.pool.transactions()).toEqual([])
    await driven.ended({ looks: 80 })
    expect(driven.last(order)?.step).toBe('settled')
    expect(await untruths(fresh.ground, driven)).toEqual([])
    expect(await fresh.ground.swaps()).toHaveLength(2)
  })
})
