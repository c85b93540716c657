import { describe, expect, test } from 'vitest'
import { fixed } from '../../schemas/fixed.ts'
import { journalDirectory } from '../../sinks/evm/open_executor.ts'
import type { SignerEvent } from '../../sinks/execution/entry.ts'
import { openFileJournal } from '../../sinks/execution/file_journal.ts'
import { anvilBinary } from '../../testing/anvil.ts'
import { diesAfter } from './dies_after.ts'
import type { DrivenExecutor } from './drive_executor.ts'
import { freshGround } from './fresh_ground.ts'
import { paidOf, quantityOf } from './ground.ts'
import { untruths } from './truth.ts'

const gwei = 10n ** 9n

describe.skipIf(anvilBinary() === undefined)('somebody else with the same key', () => {
  const fresh = freshGround()
  const nonceOf = async (block = 'latest') =>
    Number(await fresh.ground.anvil.rpc('eth_getTransactionCount', fresh.ground.account, block))
  /** A payment of nothing that no journal knows. */
  async function foreign(nonce: number, fee = 500n * gwei): Promise<{ readonly raw: string; readonly hash: string }> {
    const { wallet, account, anvil } = fresh.ground
    const raw = await wallet.signTransaction({
      ...{ type: 2, chainId: anvil.chain_id, nonce, to: account, value: 0n, gasLimit: 21_000n },
      ...{ maxFeePerGas: fee, maxPriorityFeePerGas: 50n * gwei },
    })
    const reply = await fresh.ground.proxy.answer('eth_sendRawTransaction', [raw])
    if ('error' in reply) throw new Error(reply.error.message)
    return { raw, hash: String(reply.result) }
  }
  const halt = (driven: DrivenExecutor) => driven.book().halt
  /** What somebody writes into the journal while nothing runs. */
  async function noted(driven: DrivenExecutor, event: SignerEvent): Promise<void> {
    const of = { chain: `eip155:${fresh.ground.anvil.chain_id}`, signer: fresh.ground.account }
    const { journal } = openFileJournal(
      journalDirectory((name) => driven.environment[name], of),
      of,
    )
    await journal.append([{ at: driven.clock.now(), signer: of.signer, event }])
    await journal.close()
  }

  test('a foreign transaction that takes the nonce of an order ends it as a conflict, and halts the signer', async () => {
    const driven = await fresh.drive({ params: { time_to_live: '1m' } })
    await driven.order(1)
    await driven.ended()
    const order = await driven.order(2)
    await driven.stepped(order, 'sent', { blocks: 0 })
    const { hash } = await foreign(await nonceOf())
    await driven.until(() => driven.last(order)?.step === 'conflict')
    expect(driven.last(order)).toMatchObject({ step: 'conflict', code: 'FOREIGN_NONCE' })
    expect(driven.last(order)?.detail).toContain(hash)
    expect(halt(driven)).toMatchObject({ code: 'FOREIGN_NONCE' })
    expect(driven.notices.some((text) => text.includes(hash) && text.includes('tidegate reconcile'))).toBe(true)

    // over a restart too, nothing new is signed
    await driven.restart()
    expect(driven.notices.some((text) => text.includes('is halted, nothing new is signed'))).toBe(true)
    const later = await driven.order(3)
    for (let n = 0; n < 5; n++) {
      await driven.look()
      await fresh.ground.proxy.mine()
    }
    expect(driven.steps(later)).toEqual(['received'])
    await driven.until(() => driven.last(later)?.step === 'expired', { pass: 30e6, looks: 5 })
    expect(driven.updates(later)).toEqual(['accepted', 'cancelled'])
    expect(await untruths(fresh.ground, driven)).toEqual([])
    expect((await fresh.ground.swaps()).map(({ paid }) => paid)).toEqual([paidOf(1)])
  })

  test('a process that ends as it says of a conflict has halted the signer', async () => {
    const driven = await fresh.drive()
    await driven.order(1)
    await driven.ended()
    await driven.restart(diesAfter('conflict'))
    const order = await driven.order(2)
    await driven.stepped(order, 'sent', { blocks: 0 })
    await foreign(await nonceOf())
    await expect(driven.ended()).rejects.toThrow('it died')
    await driven.restart()
    expect(halt(driven)).toMatchObject({ code: 'FOREIGN_NONCE' })
    expect(await untruths(fresh.ground, driven)).toEqual([])
  })

  test('it is said before that many blocks stand on it only where no reorganisation could take it away', async () => {
    const driven = await fresh.drive({ params: { confirmations: 5 } })
    await driven.order(1)
    await driven.ended()
    const order = await driven.order(2)
    await driven.stepped(order, 'sent', { blocks: 0 })
    await foreign(await nonceOf())
    await fresh.ground.proxy.mine(3)
    await driven.look()
    expect(driven.steps(order)).not.toContain('conflict')
    // the foreign one is thrown out for good, and ours gets in after all
    await fresh.ground.proxy.reorg(3, { returns: false })
    await driven.stepped(order, 'settled')
    expect(halt(driven)).toBeUndefined()
    expect(await untruths(fresh.ground, driven)).toEqual([])
  })

  test.each([
    ['another order waits behind it', true],
    ['nothing waits', false],
  ])('one that a deep reorganisation frees of the conflict is under way again, and is told (%s)', async (_, behind) => {
    const { proxy, anvil } = fresh.ground
    const confirmations = 2
    const driven = await fresh.drive({ params: { confirmations } })
    await driven.order(1)
    await driven.ended()
    const before = Number(await anvil.rpc('eth_blockNumber'))
    const order = await driven.order(2)
    await driven.stepped(order, 'sent', { blocks: 0 })
    const next = behind ? await driven.order(3) : undefined
    if (next !== undefined) await driven.stepped(next, 'sent', { blocks: 0 })
    await foreign(await nonceOf())
    await driven.ended()
    expect(driven.last(order)?.step).toBe('conflict')
    // the foreign one is on no branch that wins
    await proxy.reorg(Number(await anvil.rpc('eth_blockNumber')) - before, { returns: false })
    await driven.stepped(order, 'settled')
    await driven.ended()
    expect(driven.steps(order).filter((step) => step === 'conflict' || step === 'reorged')).toEqual([
      'conflict',
      'reorged',
    ])
    expect(driven.told(order).find(({ step }) => step === 'reorged')).toMatchObject({ code: 'DEEP_REORG' })
    expect(driven.fills(order).map(({ quantity }) => quantity)).toEqual([fixed(quantityOf(2))])
    expect(driven.updates(order)).toEqual(['accepted', 'filled'])
    expect(await untruths(fresh.ground, driven)).toEqual([])
    expect(await fresh.ground.swaps()).toHaveLength(behind ? 3 : 2)
    await driven.restart()
    await driven.look()
    expect(await untruths(fresh.ground, driven)).toEqual([])
  })

  describe('what was signed and nobody was given, while the signer is halted', () => {
    async function unsent() {
      const driven = await fresh.drive()
      await driven.order(1)
      await driven.ended()
      await driven.restart(diesAfter('signed'))
      const order = await driven.order(2)
      await driven.look()
      expect(driven.failure).toMatchObject({ message: 'it died' })
      await driven.close()
      await noted(driven, { type: 'halted', code: 'FOREIGN_NONCE', reason: 'a stranger' })
      await driven.open()
      for (let n = 0; n < 4; n++) {
        await driven.look()
        await fresh.ground.proxy.mine()
      }
      return { driven, order }
    }

    test('is kept back until somebody has looked', async () => {
      const { driven, order } = await unsent()
      expect(driven.last(order)?.step).toBe('signed')
      expect(await fresh.ground.swaps()).toHaveLength(1)
      await driven.close()
      await noted(driven, { type: 'resumed', nonce: await nonceOf(), by: 'a person' })
      await driven.open()
      await driven.stepped(order, 'settled')
      expect(await untruths(fresh.ground, driven)).toEqual([])
    })

    test('ends as a conflict where its nonce is taken', async () => {
      const { driven, order } = await unsent()
      await foreign(await nonceOf())
      await driven.until(() => driven.last(order)?.step === 'conflict')
      expect(driven.book().open()).toEqual([])
      expect(await fresh.ground.swaps()).toHaveLength(1)
    })
  })

  test('a foreign transaction between two orders halts the signer before anything is signed', async () => {
    const driven = await fresh.drive()
    await driven.order(1)
    await driven.ended()
    const { hash } = await foreign(await nonceOf())
    await fresh.ground.proxy.mine()
    const order = await driven.order(2)
    await driven.until(() => halt(driven) !== undefined)
    expect(halt(driven)?.reason).toContain(hash)
    expect(driven.steps(order)).toEqual(['received'])
    expect(await untruths(fresh.ground, driven)).toEqual([])

    // somebody looks, and says that the nonce of the chain is right
    await driven.close()
    await noted(driven, { type: 'resumed', nonce: await nonceOf(), by: 'a person' })
    await driven.open()
    await driven.ended()
    expect(driven.last(order)?.step).toBe('settled')
    expect(await fresh.ground.swaps()).toHaveLength(2)
  })

  test('a journal does not begin while something foreign is on its way', async () => {
    await foreign(await nonceOf())
    const driven = fresh.prepare()
    await expect(driven.open()).rejects.toMatchObject({ code: 'SIGNER_HALTED' })
    expect(driven.entries()).toEqual([])
    await fresh.ground.proxy.mine()
    await driven.open()
    const order = await driven.order(1)
    await driven.ended()
    expect(driven.last(order)?.step).toBe('settled')
  })

  test('a foreign transaction that waits for a later nonce is seen before anything is signed over it, and halts when it is in', async () => {
    const driven = await fresh.drive()
    await driven.order(1)
    await driven.ended()
    const next = await nonceOf()
    await foreign(next + 1)
    const [first, second] = [await driven.order(2), await driven.order(3)]
    await driven.until(() => halt(driven) !== undefined && driven.book().open().length === 1)
    expect([driven.last(first)?.step, driven.last(second)?.step]).toEqual(['settled', 'received'])
    expect(await untruths(fresh.ground, driven)).toEqual([])
    expect((await fresh.ground.swaps()).map(({ paid }) => paid)).toEqual([paidOf(1), paidOf(2)])
  })

  test('a second executor with the same journal does not start', async () => {
    const environment = fresh.journals()
    const first = await fresh.drive({ environment })
    await expect(fresh.prepare({ environment, node: 'other' }).open()).rejects.toMatchObject({ code: 'LOG_LOCKED' })
    const order = await first.order(1)
    await first.ended()
    expect(first.last(order)?.step).toBe('settled')
  })

  /** Both look at the same blocks, so many of them. */
  async function together(one: DrivenExecutor, other: DrivenExecutor, looks: number): Promise<void> {
    for (let n = 0; n < looks; n++) {
      await Promise.all([one.look(), other.look()])
      await fresh.ground.proxy.mine()
    }
  }
  test('two executors with one key and journals of their own: one trades, the other finds the conflict and halts', async () => {
    const [one, other] = [await fresh.drive(), await fresh.drive()]
    const [first, second] = [await one.order(1), await other.order(2)]
    await together(one, other, 30)
    const ends = [one.last(first)?.step, other.last(second)?.step]
    expect(ends.toSorted()).toEqual(['conflict', 'settled'])
    const [winner, loser] = ends[0] === 'settled' ? [one, other] : [other, one]
    expect([halt(winner), halt(loser)?.code]).toEqual([undefined, 'FOREIGN_NONCE'])
    expect(await untruths(fresh.ground, winner)).toEqual([])
    expect(loser.answers.some(({ port }) => port === 'fill')).toBe(false)
  })
  test('one order that two executors with one key have at once is done once', async () => {
    const [one, other] = [await fresh.drive(), await fresh.drive()]
    const order = await one.order(1)
    await other.take(order)
    await together(one, other, 30)
    const [swap, ...more] = await fresh.ground.swaps()
    expect(more).toEqual([])
    // what both signed may be the same to the byte
    const told = [one.last(order), other.last(order)]
    expect(told.filter((last) => last?.step === 'settled').length).toBeGreaterThan(0)
    for (const last of told)
      if (last?.step === 'settled') expect(last.transaction).toBe(swap?.transaction)
      // or the right it wanted met the conflict, and halted the signer before the order was signed
      else expect(['conflict', 'received', 'planned', 'simulated']).toContain(last?.step)
  })
})
