import { afterEach, describe, expect, test } from 'vitest'
import { anvilBinary } from '../../testing/anvil.ts'
import { type FaultyRpcServer, serveRpc } from '../../testing/faulty_rpc_server.ts'
import { askedBy, type MeetsFault, type NodeFault } from '../../testing/rpc_faults.ts'
import { freshGround } from './fresh_ground.ts'
import { paidOf } from './ground.ts'
import { untruths } from './truth.ts'

describe.skipIf(anvilBinary() === undefined)('nodes that fail', () => {
  const fresh = freshGround()
  const servers: FaultyRpcServer[] = []
  afterEach(async () => {
    fresh.ground.proxy.doors = 'open'
    for (const server of servers.splice(0)) await server.close()
  })

  /** The first so many of a sort meet a fault. */
  const first = (count: number, of: 'send' | 'nonce' | 'read', fault: NodeFault): MeetsFault => {
    let left = count
    return (method) => {
      const asked = askedBy(method)
      const meets = asked === of || (of === 'read' && asked === 'nonce')
      return meets && left-- > 0 ? fault : undefined
    }
  }
  async function done(fault: MeetsFault, more: Readonly<Record<string, unknown>> = {}): Promise<readonly string[]> {
    const driven = await fresh.drive({ params: more })
    fresh.ground.proxy.meets = fault
    const orders = [await driven.order(1), await driven.order(2)]
    // a node that asks for less is left alone for a second
    await driven.ended({ looks: 80, pass: 0.25e6 })
    fresh.ground.proxy.meets = () => undefined
    expect(orders.map((order) => driven.last(order)?.step)).toEqual(['settled', 'settled'])
    const paid = (await fresh.ground.swaps()).map((swap) => swap.paid)
    expect(paid.toSorted((a, b) => (a < b ? -1 : 1))).toEqual([paidOf(1), paidOf(2)])
    expect(await untruths(fresh.ground, driven)).toEqual([])
    // one right and two trades: nothing took another nonce
    expect(Number(await fresh.ground.anvil.rpc('eth_getTransactionCount', fresh.ground.account, 'latest'))).toBe(3)
    return driven.answers.flatMap(({ port, value }) => (port === 'step' ? [(value as { code: string }).code] : []))
  }

  const sends: readonly (readonly [string, NodeFault])[] = [
    ['dies before it takes them', { type: 'dies', when: 'before' }],
    ['dies after it took them', { type: 'dies', when: 'after' }],
    ['takes them twice, and answers the first', { type: 'duplicate', answer: 'first' }],
    ['takes them twice, and answers the second', { type: 'duplicate', answer: 'second' }],
    ['says 429', { type: 'status', status: 429, when: 'before' }],
    ['says 500 after it took them', { type: 'status', status: 500, when: 'after' }],
    ['says 503 before it took them', { type: 'status', status: 503, when: 'before' }],
    ['answers with a page after it took them', { type: 'html', when: 'after' }],
    ['answers with a page before it took them', { type: 'html', when: 'before' }],
    ['hangs before it takes them', { type: 'hang', when: 'before' }],
    ['hangs after it took them', { type: 'hang', when: 'after' }],
    ['says words nobody knows', { type: 'error', code: -32099, message: 'the moon is full', when: 'after' }],
  ]
  test.each(sends)('bytes given to a node that %s are in one block once', async (_what, fault) => {
    await done(first(3, 'send', fault))
  })

  const reads: readonly (readonly [string, NodeFault])[] = [
    ['dies', { type: 'dies', when: 'before' }],
    ['says 429', { type: 'status', status: 429, when: 'before' }],
    ['says 503', { type: 'status', status: 503, when: 'before' }],
    ['answers with a page', { type: 'html', when: 'before' }],
    ['hangs', { type: 'hang', when: 'before' }],
  ]
  test.each(reads)('a node that %s when it is asked is asked again', async (_what, fault) => {
    await done(first(8, 'read', fault))
  })
  test('every third question to a node that is two blocks behind', async () => {
    let n = 0
    await done((method) => (askedBy(method) !== 'send' && n++ % 3 === 0 ? { type: 'stale', blocks: 2 } : undefined))
  })
  test.each([1, -1])('every third count of transactions off by %i', async (by) => {
    let n = 0
    await done((method) => (askedBy(method) === 'nonce' && n++ % 3 === 0 ? { type: 'wrong_nonce', by } : undefined))
  })
  test('a node that refuses connections for a while', async () => {
    const driven = await fresh.drive()
    fresh.ground.proxy.doors = 'shut'
    fresh.ground.proxy.cut()
    const order = await driven.order(1)
    for (let look = 0; look < 5; look++) await driven.look()
    expect(driven.steps(order)).toEqual(['received'])
    expect(driven.notices.some((text) => text.startsWith('no node answers'))).toBe(true)
    fresh.ground.proxy.doors = 'open'
    await driven.ended()
    expect(await untruths(fresh.ground, driven)).toEqual([])
    expect(await fresh.ground.swaps()).toHaveLength(1)
  })

  test('a node without eth_simulateV1 is asked for an estimate', async () => {
    const asked = new Set<string>()
    await done((method) => {
      asked.add(method)
      if (method !== 'eth_simulateV1') return undefined
      return { type: 'error', code: -32601, message: 'the method eth_simulateV1 does not exist', when: 'before' }
    })
    expect([...asked]).toEqual(expect.arrayContaining(['eth_simulateV1', 'eth_estimateGas']))
  })

  test('the second node does all where the first hangs', async () => {
    const hanging = await serveRpc(() => new Promise(() => {}), { batches: 'answered' })
    servers.push(hanging)
    await done(() => undefined, { endpoints: [{ http: hanging.http }, { http: fresh.ground.proxy.http }] })
    expect(hanging.counts.reads).toBeGreaterThan(0)
  })
  test('the second node does all where the first begins to hang with bytes in its hands', async () => {
    const { proxy } = fresh.ground
    let state: 'well' | 'hangs' = 'well'
    const other = await serveRpc((method, params) => proxy.answer(method, params), { batches: 'answered' })
    servers.push(other)
    other.meets = (method) => {
      if (askedBy(method) === 'send') state = 'hangs'
      return state === 'hangs' ? { type: 'hang', when: 'before' } : undefined
    }
    await done(() => undefined, { endpoints: [{ http: other.http }, { http: proxy.http }] })
    expect(state).toBe('hangs')
  })

  test('no node of the chain is no start', async () => {
    await expect(fresh.drive({ params: { chain_id: 1 } })).rejects.toMatchObject({ code: 'CHAIN_MISMATCH' })
  })
  test('a node of another chain beside one of ours is not used', async () => {
    const { proxy } = fresh.ground
    const foreign = await serveRpc(
      (method, params) =>
        method === 'eth_chainId' ? Promise.resolve({ result: '0x5' }) : proxy.answer(method, params),
      { batches: 'answered' },
    )
    servers.push(foreign)
    await done(() => undefined, { endpoints: [{ http: foreign.http }, { http: proxy.http }] })
    expect(foreign.counts.sends).toBe(0)
  })
})
