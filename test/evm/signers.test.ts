import { keccak256, recoverAddress, Transaction } from 'ethers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { saveKey } from '../../sinks/evm/keys/keystore.ts'
import type { Seams } from '../../sinks/evm/open_executor.ts'
import { anvilBinary } from '../../testing/anvil.ts'
import { type KmsSigner, startKmsSigner } from '../../testing/kms_signer.ts'
import type { DrivenExecutor } from './drive_executor.ts'
import { freshGround } from './fresh_ground.ts'
import { paidOf } from './ground.ts'
import { untruths } from './truth.ts'

describe.skipIf(anvilBinary() === undefined)('signers', () => {
  const fresh = freshGround()
  let kms: KmsSigner
  beforeAll(async () => {
    kms = await startKmsSigner(fresh.ground.wallet.privateKey)
  })
  afterAll(() => kms?.close())

  /** An executor that signs outside; its address may be set anew between restarts. */
  function outside(path: string, more: Readonly<Record<string, unknown>> = {}) {
    const environment: Record<string, string> = { ...fresh.journals(), TIDEGATE_SIGNER: `${kms.url}${path}` }
    const signer = { from: 'external', address: fresh.ground.account, endpoint: '$TIDEGATE_SIGNER', timeout: '200ms' }
    return { driven: fresh.prepare({ environment, params: { signer, ...more } }), environment }
  }
  const rawsOf = (driven: DrivenExecutor, id: string) =>
    driven
      .book()
      .get(id)
      ?.attempts.map(({ raw }) => raw) ?? []
  async function checked(driven: DrivenExecutor, orders: readonly number[]): Promise<void> {
    expect(await untruths(fresh.ground, driven)).toEqual([])
    expect((await fresh.ground.swaps()).map(({ paid }) => paid)).toEqual(orders.map(paidOf))
  }

  test.each(['/der', '/row'])('one outside whose signatures are never twice the same (%s)', async (path) => {
    const { driven } = outside(path)
    await driven.open()
    const order = await driven.order(1)
    await driven.ended()
    expect(driven.last(order)?.step).toBe('settled')
    const [raw = ''] = rawsOf(driven, order.id)
    const { unsignedHash, signature } = Transaction.from(raw)
    expect(recoverAddress(unsignedHash, signature ?? '').toLowerCase()).toBe(fresh.ground.account)
    await checked(driven, [1])
  })

  class Died extends Error {}
  /** A process that ends once its trade is signed: before or after that is on disk. */
  const diesAtSigning = (when: 'before' | 'after'): { seams: Seams; raw: () => string } => {
    let raw = ''
    const seams: Seams = {
      journal: ({ journal, entries }) => ({
        entries,
        journal: {
          append: async (added) => {
            const signed = added.find((entry) => entry.event.type === 'signed')
            const trade = signed !== undefined && 'id' in signed && !signed.id.includes('#') ? signed : undefined
            if (trade?.event.type === 'signed') raw = trade.event.raw
            if (raw !== '' && when === 'before') throw new Died()
            await journal.append(added)
            if (raw !== '') throw new Died()
          },
          close: () => journal.close(),
        },
      }),
    }
    return { seams, raw: () => raw }
  }
  test.each(['before', 'after'] as const)('ended %s the signature of one outside is on disk', async (when) => {
    const { driven } = outside('/der')
    const { seams, raw } = diesAtSigning(when)
    await driven.open(seams)
    const order = await driven.order(1)
    await expect(driven.ended()).rejects.toThrow(Died)
    await driven.restart()
    await driven.ended()
    const raws = rawsOf(driven, order.id)
    expect(raws).toHaveLength(1)
    // what was on disk is what is sent; what was not has never left the process, and another was signed
    expect(raws[0] === raw()).toBe(when === 'after')
    const [swap] = await fresh.ground.swaps()
    expect(swap?.transaction).toBe(keccak256(raws[0] ?? ''))
    await checked(driven, [1])
  })
  test('ended after the bytes were sent: the same bytes, never another signature for the nonce', async () => {
    const { driven } = outside('/der')
    await driven.open()
    const order = await driven.order(1)
    await driven.stepped(order, 'sent')
    const raws = rawsOf(driven, order.id)
    const pooled = fresh.ground.proxy.pool.transactions()[0]
    await driven.close()
    await fresh.ground.proxy.pool.evict(pooled?.hash ?? '')
    await driven.open()
    await driven.ended()
    expect(rawsOf(driven, order.id)).toEqual(raws)
    await checked(driven, [1])
  })

  test.each([
    ['hangs', '/hang'],
    ['refuses', '/refuse'],
    ['answers with a page', '/page'],
  ])('one that %s: the order waits, and is done once it signs', async (_what, path) => {
    const { driven, environment } = outside(path)
    await driven.open()
    const order = await driven.order(1)
    for (let look = 0; look < 3; look++) await driven.look()
    expect(driven.steps(order)).toEqual(['received'])
    expect(driven.notices.some((text) => text.startsWith('nobody signed'))).toBe(true)
    expect(Number(await fresh.ground.anvil.rpc('eth_getTransactionCount', fresh.ground.account, 'pending'))).toBe(0)
    environment['TIDEGATE_SIGNER'] = `${kms.url}/der`
    await driven.restart()
    await driven.ended()
    expect(driven.last(order)?.step).toBe('settled')
    await checked(driven, [1])
  })
  test('one that hangs until the order has expired signs nothing', async () => {
    const { driven } = outside('/hang', { time_to_live: '30s' })
    await driven.open()
    const order = await driven.order(1)
    await driven.look()
    driven.clock.ahead += 31e6
    await driven.look()
    expect(driven.last(order)?.step).toBe('expired')
    await checked(driven, [])
  })
  test('one that signs with another key stops the executor, and nothing is sent', async () => {
    const { driven } = outside('/other')
    await driven.open()
    const order = await driven.order(1)
    await expect(driven.ended()).rejects.toMatchObject({ code: 'KEY_INVALID' })
    expect(driven.steps(order)).not.toContain('signed')
    expect(fresh.ground.proxy.pool.transactions()).toEqual([])
    await checked(driven, [])
  })

  test('a keystore with its passphrase', async () => {
    const { folder, wallet, account } = fresh.ground
    await saveKey(folder, wallet.privateKey, 'correct horse', { N: 1024, r: 8, p: 1 })
    const signer = { from: 'keystore', address: account }
    const wrong = { ...fresh.journals(), TIDEGATE_KEY_PASSPHRASE: 'wrong' }
    await expect(fresh.drive({ environment: wrong, params: { signer } })).rejects.toMatchObject({ code: 'KEY_INVALID' })
    const environment = { ...fresh.journals(), TIDEGATE_KEY_PASSPHRASE: 'correct horse' }
    const driven = await fresh.drive({ environment, params: { signer } })
    const order = await driven.order(1)
    await driven.ended()
    expect(driven.last(order)?.step).toBe('settled')
    await checked(driven, [1])
  })
})
