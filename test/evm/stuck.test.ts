import { describe, expect, test } from 'vitest'
import { journalDirectory } from '../../sinks/evm/open_executor.ts'
import { openFileJournal } from '../../sinks/execution/file_journal.ts'
import { anvilBinary } from '../../testing/anvil.ts'
import type { DrivenExecutor } from './drive_executor.ts'
import { freshGround } from './fresh_ground.ts'
import { paidOf } from './ground.ts'
import { untruths } from './truth.ts'

const gwei = 10n ** 9n

describe.skipIf(anvilBinary() === undefined)('transactions that are stuck', () => {
  const fresh = freshGround()
  const hex = (value: bigint) => `0x${value.toString(16)}`
  /** Empty blocks lower the base fee: each block is given the same. */
  async function mineAt(base_fee: bigint, blocks = 1): Promise<void> {
    for (let n = 0; n < blocks; n++) {
      await fresh.ground.anvil.rpc('anvil_setNextBlockBaseFeePerGas', hex(base_fee))
      await fresh.ground.proxy.mine()
    }
  }

  /** An order whose right is given, and whose transaction no block takes at the base fee of now. */
  async function stuck(driven: DrivenExecutor, n: number, base_fee: bigint) {
    const first = await driven.order(100 + n)
    await driven.ended()
    await mineAt(gwei)
    await driven.look()
    const order = await driven.order(n)
    await driven.stepped(order, 'sent', { blocks: 0 })
    await mineAt(base_fee)
    return { order, first }
  }
  const attemptsOf = (driven: DrivenExecutor, id: string) => driven.book().get(id)?.attempts ?? []
  const feesRise = (driven: DrivenExecutor, id: string) =>
    attemptsOf(driven, id).every(
      ({ max_fee, tip }, n, all) =>
        n === 0 ||
        (BigInt(max_fee) * 100n >= BigInt(all[n - 1]?.max_fee ?? 0) * 110n &&
          BigInt(tip) * 100n >= BigInt(all[n - 1]?.tip ?? 0) * 110n),
    )

  test('one that the base fee rose above is made dearer, as nodes want it, and swaps once', async () => {
    const driven = await fresh.drive({ params: { max_fee: '200', stuck_after: 2 } })
    const { order } = await stuck(driven, 1, 20n * gwei)
    await driven.until(
      async () => {
        await mineAt(20n * gwei)
        return driven.steps(order).includes('settled')
      },
      { blocks: 0 },
    )
    const attempts = attemptsOf(driven, order.id)
    expect(attempts.length).toBe(2)
    expect(new Set(attempts.map(({ nonce }) => nonce)).size).toBe(1)
    expect(feesRise(driven, order.id)).toBe(true)
    expect(driven.told(order).find(({ step, code }) => step === 'signed' && code === 'SPEED_UP')).toBeDefined()
    // the node took the second in place of the first at once
    expect(
      driven
        .told(order)
        .filter(({ step }) => step === 'sent')
        .map(({ code }) => code),
    ).toEqual(['', ''])
    expect(driven.last(order)).toMatchObject({ step: 'settled', attempt: 2 })
    expect(await untruths(fresh.ground, driven)).toEqual([])
    expect((await fresh.ground.swaps()).filter(({ paid }) => paid === paidOf(1))).toHaveLength(1)
  })

  test('one that the base fee outruns again and again is made dearer each time', async () => {
    const driven = await fresh.drive({ params: { max_fee: '2000', stuck_after: 1 } })
    const { order } = await stuck(driven, 1, 10n * gwei)
    let fee = 10n * gwei
    for (let round = 2; round <= 5; round++) {
      await driven.until(
        async () => {
          if (attemptsOf(driven, order.id).length === round) return true
          await mineAt(fee)
          return false
        },
        { blocks: 0 },
      )
      fee = BigInt(attemptsOf(driven, order.id).at(-1)?.max_fee ?? 0) + gwei
      await mineAt(fee)
    }
    await driven.until(
      async () => {
        await mineAt(gwei)
        return driven.steps(order).includes('settled')
      },
      { blocks: 0 },
    )
    expect(attemptsOf(driven, order.id).length).toBeGreaterThanOrEqual(5)
    expect(feesRise(driven, order.id)).toBe(true)
    expect(await untruths(fresh.ground, driven)).toEqual([])
    expect(await fresh.ground.swaps()).toHaveLength(2)
  })

  test('one that may not cost more waits, and goes on once gas is cheap again', async () => {
    const driven = await fresh.drive({ params: { max_fee: '5', stuck_after: 1 } })
    const { order } = await stuck(driven, 1, 50n * gwei)
    for (let n = 0; n < 12; n++) {
      await driven.look()
      await mineAt(50n * gwei)
    }
    const attempts = attemptsOf(driven, order.id)
    expect(attempts.every(({ max_fee }) => BigInt(max_fee) <= 5n * gwei)).toBe(true)
    expect(driven.last(order)?.step).not.toBe('settled')
    await driven.until(
      async () => {
        await mineAt(gwei)
        return driven.steps(order).includes('settled')
      },
      { blocks: 0 },
    )
    expect(await untruths(fresh.ground, driven)).toEqual([])
  })

  test('one whose deadline has passed is cancelled under its nonce, and the next order goes on', async () => {
    const driven = await fresh.drive({
      params: { max_fee: '200', stuck_after: 1000, deadline: '2m', cancel_after: '10s', time_to_live: '10m' },
    })
    const { order } = await stuck(driven, 1, 20n * gwei)
    driven.clock.ahead += 200e6
    await fresh.ground.anvil.rpc('evm_increaseTime', 200)
    await mineAt(20n * gwei)
    await driven.until(
      async () => {
        await mineAt(20n * gwei)
        return driven.last(order)?.step === 'cancelled'
      },
      { blocks: 0 },
    )
    const attempts = attemptsOf(driven, order.id)
    expect(attempts.map(({ purpose }) => purpose)).toEqual(['act', 'cancel'])
    expect(driven.updates(order)).toEqual(['accepted', 'cancelled'])
    expect(driven.fills(order)).toEqual([])
    const next = await driven.order(2)
    await driven.ended()
    expect(driven.last(next)?.step).toBe('settled')
    expect(attemptsOf(driven, next.id)[0]?.nonce).toBe((attempts[0]?.nonce ?? 0) + 1)
    expect(await untruths(fresh.ground, driven)).toEqual([])
    expect((await fresh.ground.swaps()).filter(({ paid }) => paid === paidOf(1))).toEqual([])
  })

  test('while the signer is halted it is not made dearer, and its place is taken back after its deadline', async () => {
    const driven = await fresh.drive({
      params: { max_fee: '200', stuck_after: 1, deadline: '2m', cancel_after: '10s', time_to_live: '10m' },
    })
    const { order } = await stuck(driven, 1, 20n * gwei)
    await driven.close()
    const of = { chain: `eip155:${fresh.ground.anvil.chain_id}`, signer: fresh.ground.account }
    const { journal } = openFileJournal(
      journalDirectory((name) => driven.environment[name], of),
      of,
    )
    const halted = { type: 'halted', code: 'FOREIGN_NONCE', reason: 'a stranger' } as const
    await journal.append([{ at: driven.clock.now(), signer: of.signer, event: halted }])
    await journal.close()
    await driven.open()
    for (let n = 0; n < 8; n++) {
      await mineAt(20n * gwei)
      await driven.look()
    }
    expect(attemptsOf(driven, order.id).map(({ purpose }) => purpose)).toEqual(['act'])
    expect(driven.notices.filter((text) => text.startsWith(order.id) && text.includes('halted'))).toHaveLength(1)
    driven.clock.ahead += 200e6
    await fresh.ground.anvil.rpc('evm_increaseTime', 200)
    await driven.until(
      async () => {
        await mineAt(20n * gwei)
        return driven.last(order)?.step === 'cancelled'
      },
      { blocks: 0 },
    )
    expect(attemptsOf(driven, order.id).map(({ purpose }) => purpose)).toEqual(['act', 'cancel'])
    expect(await untruths(fresh.ground, driven)).toEqual([])
  })

  test('a trade that gets in before its cancellation counts as what it is', async () => {
    const driven = await fresh.drive({
      params: { max_fee: '200', stuck_after: 1000, deadline: '2m', cancel_after: '0s', time_to_live: '10m' },
    })
    const { order } = await stuck(driven, 1, 20n * gwei)
    const { anvil, proxy } = fresh.ground
    driven.clock.ahead += 200e6
    await anvil.rpc('evm_increaseTime', 200)
    await mineAt(20n * gwei)
    // the cancellation is signed, and gets lost on its way
    proxy.meets = (method) => (method === 'eth_sendRawTransaction' ? { type: 'dies', when: 'before' } : undefined)
    await driven.until(() => attemptsOf(driven, order.id).length === 2, { blocks: 0 })
    await mineAt(gwei)
    proxy.meets = () => undefined
    await driven.until(
      async () => {
        await mineAt(gwei)
        return driven.book().open().length === 0
      },
      { blocks: 0 },
    )
    // it came after the deadline: the contract refused it
    expect(driven.last(order)).toMatchObject({ step: 'reverted', attempt: 1 })
    expect(driven.updates(order)).toEqual(['accepted', 'cancelled'])
    expect(await untruths(fresh.ground, driven)).toEqual([])
  })

  test('orders behind a stuck one are not made dearer, and follow it', async () => {
    const driven = await fresh.drive({ params: { max_fee: '200', stuck_after: 2 } })
    const { order } = await stuck(driven, 1, 20n * gwei)
    const behind = [await driven.order(2), await driven.order(3)]
    await driven.until(
      async () => {
        await mineAt(20n * gwei)
        return driven.book().open().length === 0
      },
      { blocks: 0 },
    )
    for (const { id } of behind) expect(attemptsOf(driven, id)).toHaveLength(1)
    expect(attemptsOf(driven, order.id)).toHaveLength(2)
    expect(await untruths(fresh.ground, driven)).toEqual([])
    expect(await fresh.ground.swaps()).toHaveLength(4)
  })
})
