import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { Swap } from '../../schemas/chain.ts'
import { followFeed } from '../../testing/follow_feed.ts'
import { cell } from '../../testing/ton_cells.ts'
import { ToncenterServer, type TonTransaction } from '../../testing/toncenter_server.ts'
import { socketLimits } from '../feed/socket.ts'
import type { SwapFeedParams } from './swap_feed.ts'
import { openSwaps, tonSwaps } from './swaps.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})
const quick = { ...socketLimits, openWithin: 2e6, backoff: 4e3, backoffCap: 20e3, silentFor: 60e6 }
const hash = (n: number) => n.toString(16).padStart(64, '0')
const poolA = `0:${hash(0xa)}`
const poolB = `0:${hash(0xb)}`
const trader = `0:${hash(0xc)}`
const key = `stonfi_v1:${poolA}`
const began = 1_790_000_000

async function follow(
  given: Partial<z.input<typeof tonSwaps.definition.params & z.ZodType>> = {},
  prepare: (server: ToncenterServer) => void = () => {},
) {
  const server = await new ToncenterServer().start()
  prepare(server)
  const refused = server.errors.length > 0
  closing.push(() => server.close())
  const pools = [poolA, poolB].map((address) => ({ dex: 'stonfi_v1', address, decimals0: 9, decimals1: 6 }))
  const still = { stall_after: '1h', heartbeat_every: '1h', heartbeat_lag: '50ms', fill_within: '2s' }
  const params = z.parse(tonSwaps.definition.params, {
    ...{ pools, requests_per_second: 1000, ...still },
    ...given,
  }) as SwapFeedParams
  const sse = { ...server.endpoints, ton_swaps: `http://${server.host}/api/streaming/v2/sse` }
  const endpoints = params.transport === 'sse' ? sse : server.endpoints
  const feed = followFeed((context) => openSwaps(params, context, quick), endpoints, {
    secret: (name) => (name === 'TIDEGATE_TONCENTER_KEY' ? 'the key' : undefined),
  })
  closing.push(feed.stop)
  if (!refused) await expect.poll(() => server.subscribers).toBe(1)
  const swaps = () => feed.of('row').map((row) => ({ ...row, value: row.value as Swap }))
  return {
    ...{ server, swaps },
    ...feed,
    gaps: () => feed.of('gap').map(({ key, value }) => ({ key, ...value })),
    events: () => feed.of('event').map(({ value }) => value.event),
    reasons: () => feed.of('invalid').map(({ value }) => value.reason),
    amounts: () => swaps().map(({ value }) => (value.removed ? -1n : 1n) * BigInt(value.amount0)),
  }
}

/** The chain of one pool: each transaction names the one before it. */
class Chain {
  private lt = 0
  private readonly account: string
  constructor(account: string) {
    this.account = account
  }
  /** A swap of token 0 into the pool; none is a refund. */
  next(paid: bigint, got = paid / 2n): TonTransaction {
    const previous = this.lt
    this.lt = previous === 0 ? 1010 : previous + 10
    return this.at(paid, got, this.lt, previous)
  }
  /** As an emulation has it: other times, another hash. */
  emulated(paid: bigint, got = paid / 2n): TonTransaction {
    return this.at(paid, got, this.lt + 7, this.lt + 3)
  }
  private at(paid: bigint, got: bigint, lt: number, previous: number): TonTransaction {
    const swap = cell().uint(0x25938561, 32).uint(1, 64).address(trader).address(poolB).coins(paid).coins(1n).uint(0, 1)
    const code = got > 0n ? 0xc64370e5 : 0x5ffe1295
    const amounts = cell()
      .coins(got > 0n ? 0n : paid)
      .address(poolA)
      .coins(got)
      .address(poolB)
    const pay = cell().uint(0xf93bb43f, 32).uint(1, 64).address(trader).uint(code, 32).ref(amounts)
    const message = (opcode: number, body: string, source: string, destination: string) => ({
      ...{ source, destination, opcode: opcode | 0, message_content: { body } },
    })
    return {
      account: this.account.toUpperCase(),
      ...{ hash: `tx${lt}`, lt: String(lt), prev_trans_lt: String(previous), now: began + lt, mc_block_seqno: lt },
      ...{ trace_id: `trace${paid}`, description: { aborted: false } },
      in_msg: message(0x25938561, swap.ref(cell().address(trader)).toBag(), poolB, this.account),
      out_msgs: [message(0xf93bb43f, pay.toBag(), this.account, poolB)],
    }
  }
}

describe('against a server that answers as the documentation of TON Center says', () => {
  test('a final swap is told once, with its amounts, price, trace and block, behind the gap of the first connection', async () => {
    const feed = await follow({ api_key: 'TIDEGATE_TONCENTER_KEY' })
    const transaction = new Chain(poolA).next(2_000_000_000n, 3_000_000n)
    feed.server.finalize('H1', [transaction])
    await feed.until(() => feed.swaps().length === 1)
    expect(feed.gaps()).toEqual([{ key, reason: 'connected', missing: 0, since: 0 }])
    expect(feed.swaps()[0]).toEqual({
      ...{ type: 'row', key, at: (began + 1010) * 1e6 },
      value: {
        ...{ amount0: '2000000000', amount1: '-3000000', price: 1.5, size: 2, side: -1, trader },
        ...{
          block: 1010,
          block_time: (began + 1010) * 1e6,
          index: 0,
          block_hash: 'trace2000000000',
          transaction: 'tx1010',
          removed: false,
        },
      },
    })
    expect(new Set(feed.server.headers)).toEqual(new Set(['the key']))
    expect(feed.server.received.map((text) => JSON.parse(text))).toEqual([
      {
        ...{ operation: 'subscribe', id: 'subscribe', types: ['transactions'] },
        ...{ addresses: [poolA, poolB], min_finality: 'finalized' },
      },
    ])
  })

  test('a refund runs through the same messages and is no swap, but part of the chain', async () => {
    const feed = await follow()
    const chain = new Chain(poolA)
    feed.server.finalize('H1', [chain.next(100n)])
    feed.server.finalize('H2', [chain.next(200n, 0n)])
    feed.server.finalize('H3', [chain.next(300n)])
    await feed.until(() => feed.swaps().length === 2)
    expect(feed.amounts()).toEqual([100n, 300n])
    expect(feed.gaps()).toHaveLength(1)
    expect(feed.server.asked.filter((path) => path.includes('start_lt'))).toEqual([])
  })

  test('what was final while the connection was lost is asked for from the last known time, and told once', async () => {
    const feed = await follow()
    const chain = new Chain(poolA)
    feed.server.finalize('H1', [chain.next(100n)])
    await feed.until(() => feed.swaps().length === 1)
    feed.server.cut()
    for (const paid of [200n, 300n, 400n]) feed.server.finalize(`H${paid}`, [chain.next(paid)])
    await feed.until(() => feed.swaps().length === 4)
    feed.server.finalize('H5', [chain.next(500n)])
    await feed.until(() => feed.swaps().length === 5)
    expect(feed.amounts()).toEqual([100n, 200n, 300n, 400n, 500n])
    expect(feed.gaps()).toHaveLength(1)
    expect(feed.of('event').find(({ value }) => value.event === 'filled')?.value.count).toBe(3)
    expect(feed.server.asked.find((path) => path.includes('start_lt'))).toBe(
      `/api/v3/transactions?account=${encodeURIComponent(poolA)}&start_lt=1011&limit=256&sort=asc`,
    )
  })

  test('a message the stream swallowed shows in the chain, and is asked for', async () => {
    const feed = await follow()
    const chain = new Chain(poolA)
    feed.server.finalize('H1', [chain.next(100n)])
    await feed.until(() => feed.swaps().length === 1)
    feed.server.state = 'mute'
    feed.server.finalize('H2', [chain.next(200n)])
    feed.server.state = 'speaking'
    feed.server.finalize('H3', [chain.next(300n)])
    await feed.until(() => feed.swaps().length === 3)
    expect(feed.amounts()).toEqual([100n, 200n, 300n])
    expect(feed.gaps()).toHaveLength(1)
  })

  test.each([
    [
      '429',
      { status: 429, body: { ok: false, result: 'Ratelimit exceed', code: 429 }, headers: { 'retry-after': '0' } },
    ],
    ['503', { status: 503, body: 'upstream' }],
    ['a page of HTML', { body: '<html>cloud</html>' }],
    ['other fields than documented', { body: { rows: [] } }],
  ])(
    '%s over REST is tried again, and nothing is missing in the end',
    async (_what, fault) => {
      const feed = await follow({ fill_within: '20s' })
      const chain = new Chain(poolA)
      feed.server.finalize('H1', [chain.next(100n)])
      await feed.until(() => feed.swaps().length === 1)
      feed.server.cut()
      feed.server.faults.push(fault, fault)
      feed.server.finalize('H2', [chain.next(200n)])
      await feed.until(() => feed.swaps().length === 2)
      expect(feed.amounts()).toEqual([100n, 200n])
      expect(feed.gaps()).toHaveLength(1)
    },
    15_000,
  )

  test('what cannot be had in time is a gap, and the feed goes on from there', async () => {
    const feed = await follow({ fill_within: '100ms' })
    const chain = new Chain(poolA)
    feed.server.finalize('H1', [chain.next(100n)])
    await feed.until(() => feed.swaps().length === 1)
    feed.server.faults.push(...Array(50).fill({ status: 400, body: { error: 'no' } }))
    feed.server.state = 'mute'
    feed.server.finalize('H2', [chain.next(200n)])
    feed.server.state = 'speaking'
    feed.server.finalize('H3', [chain.next(300n)])
    await feed.until(() => feed.swaps().length === 2)
    expect(feed.amounts()).toEqual([100n, 300n])
    expect(feed.gaps()[1]).toEqual({ key, reason: 'sequence', missing: 0, since: (began + 1010) * 1e6 })
    expect(feed.events()).toContain('unfilled')
  })

  test('a swap told early is not told again when it is confirmed and final, though its hash and time differ', async () => {
    const feed = await follow({ min_finality: 'pending' })
    const chain = new Chain(poolA)
    feed.server.tell('pending', 'H1', [chain.emulated(100n)])
    feed.server.tell('confirmed', 'H1', [chain.emulated(100n)])
    feed.server.finalize('H1', [chain.next(100n)])
    feed.server.tell('confirmed', 'H1', [chain.emulated(100n)])
    feed.server.finalize('H2', [chain.next(200n)])
    await feed.until(() => feed.swaps().length === 2)
    expect(feed.amounts()).toEqual([100n, 200n])
    expect(JSON.parse(feed.server.received[0] ?? '').types).toEqual(['transactions', 'trace_invalidated'])
  })

  test('an invalidated trace is taken back by the row it had, with `removed`', async () => {
    const feed = await follow({ min_finality: 'pending' })
    const chain = new Chain(poolA)
    feed.server.tell('pending', 'H1', [chain.emulated(100n)])
    feed.server.invalidate('H1')
    await feed.until(() => feed.swaps().length === 2)
    const [told, back] = feed.swaps()
    expect(back?.value).toEqual({ ...told?.value, removed: true })
  })

  test('a swap that is final with other amounts, or as a refund, takes the place of the one that was emulated', async () => {
    const feed = await follow({ min_finality: 'pending' })
    const chain = new Chain(poolA)
    feed.server.tell('pending', 'H1', [chain.emulated(100n, 50n)])
    feed.server.finalize('H1', [chain.next(100n, 49n)])
    feed.server.tell('pending', 'H2', [chain.emulated(200n)])
    feed.server.finalize('H2', [chain.next(200n, 0n)])
    await feed.until(() => feed.swaps().length === 5)
    expect(feed.swaps().map(({ value }) => [BigInt(value.amount1), value.removed])).toEqual([
      [-50n, false],
      [-50n, true],
      [-49n, false],
      [-100n, false],
      [-100n, true],
    ])
  })

  test('what never becomes final is taken back once REST has been asked', async () => {
    const feed = await follow({ min_finality: 'pending', settle_within: '100ms', heartbeat_every: '30ms' })
    const chain = new Chain(poolA)
    feed.server.finalize('H1', [chain.next(100n)])
    feed.server.tell('pending', 'H2', [chain.emulated(200n)])
    await feed.until(() => feed.amounts().includes(-200n))
    expect(feed.amounts()).toEqual([100n, 200n, -200n])
    expect(feed.events()).toContain('resynced')
    expect(feed.server.asked.length).toBeGreaterThan(0)
  })

  test('what was told early and became final while neither stream nor REST could be reached stays told', async () => {
    const down = { status: 500, body: '' }
    const given = {
      min_finality: 'pending',
      settle_within: '100ms',
      heartbeat_every: '30ms',
      fill_within: '100ms',
    } as const
    // the question where the chains stand fails: four attempts for each pool
    const feed = await follow(given, (server) => server.faults.push(...Array(8).fill(down)))
    const chain = new Chain(poolA)
    feed.server.tell('pending', 'H1', [chain.emulated(100n)])
    await feed.until(() => feed.swaps().length === 1)
    feed.server.cut()
    feed.server.finalize('H1', [chain.next(100n)])
    await expect.poll(() => feed.server.subscribers).toBe(1)
    await feed.until(() => feed.gaps().length === 2)
    feed.server.finalize('H2', [chain.next(200n)])
    await feed.until(() => feed.swaps().length === 2)
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(feed.amounts()).toEqual([100n, 200n])
    expect(feed.gaps().map(({ reason }) => reason)).toEqual(['connected', 'disconnected'])
  })

  test('a subscription that is refused at first is an error with the words of TON Center', async () => {
    const feed = await follow({}, (server) => server.errors.push('connection limit reached: 0'))
    await feed.until(() => feed.errors.length === 1)
    expect(String(feed.errors[0])).toContain('connection limit reached: 0')
  })

  test('one that is refused after a cut is asked for again, and nothing is missing', async () => {
    const feed = await follow()
    const chain = new Chain(poolA)
    feed.server.finalize('H1', [chain.next(100n)])
    await feed.until(() => feed.swaps().length === 1)
    feed.server.errors.push('too many connections', 'too many connections')
    feed.server.cut()
    feed.server.finalize('H2', [chain.next(200n)])
    await expect.poll(() => feed.server.subscribers).toBe(1)
    await feed.until(() => feed.swaps().length === 2)
    expect(feed.amounts()).toEqual([100n, 200n])
    expect(feed.reasons()).toEqual(['refused', 'refused'])
    expect(feed.gaps()).toHaveLength(1)
  })

  test('a connection that hangs is opened anew', async () => {
    const feed = await follow({ stall_after: '150ms' })
    feed.server.state = 'mute'
    await feed.until(() => feed.events().filter((event) => event === 'lost').length > 0)
    feed.server.state = 'speaking'
    await feed.until(() => feed.events().filter((event) => event === 'subscribed').length > 1)
    expect(feed.of('event').find(({ value }) => value.event === 'lost')?.value.detail).toMatch(/^stalled/)
  })

  test('rubbish is told as invalid, and the feed goes on', async () => {
    const feed = await follow()
    feed.server.sayAll('{"type":')
    feed.server.sayAll('{"type":"transactions","finality":"sure","trace_external_hash_norm":"H","transactions":[]}')
    feed.server.finalize('H', [{ account: poolA, lt: 'x' }])
    feed.server.finalize('H1', [new Chain(poolA).next(100n)])
    await feed.until(() => feed.swaps().length === 1)
    expect(feed.reasons()).toEqual(['not_json', 'transactions_fields', 'transaction_fields'])
  })

  test('server-sent events carry the same: swaps, a cut, what was missed; comments are signs of life', async () => {
    const feed = await follow({ transport: 'sse', heartbeat_every: '20ms' })
    const chain = new Chain(poolA)
    feed.server.finalize('H1', [chain.next(100n)])
    await feed.until(() => feed.swaps().length === 1)
    feed.server.keepAlive()
    feed.server.refusals.push(429, 503)
    feed.server.cut()
    feed.server.finalize('H2', [chain.next(200n)])
    await feed.until(() => feed.swaps().length === 2)
    feed.server.finalize('H3', [chain.next(300n)])
    await feed.until(() => feed.swaps().length === 3)
    expect(feed.amounts()).toEqual([100n, 200n, 300n])
    expect(feed.gaps()).toHaveLength(1)
    expect(JSON.parse(feed.server.received[0] ?? '')).toEqual({
      ...{ types: ['transactions'], addresses: [poolA, poolB], min_finality: 'finalized' },
    })
  })

  test('heartbeats keep behind the slowest final transaction, and wait while a connection is doubtful', async () => {
    const feed = await follow({ heartbeat_every: '20ms', heartbeat_lag: '1ms' })
    const chain = new Chain(poolA)
    // one that comes before it is sure that nothing was missed tells nothing of the way here
    for (let n = 1; feed.of('heartbeat').length === 0; n++) {
      feed.server.finalize(`H${n}`, [chain.next(100n)])
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    const first = feed.items.findIndex(({ type }) => type === 'heartbeat')
    const [row, beat] = [feed.items.slice(0, first).findLast(({ type }) => type === 'row'), feed.items[first]]
    expect(beat).toMatchObject({ key, at: expect.any(Number) as number })
    expect(beat?.at).toBeGreaterThan(row?.at ?? Number.POSITIVE_INFINITY)
  })

  test('whatever is cut, muted, repeated, invalidated or refused: rows less those taken back are the ledger', async () => {
    const step = fc.record({
      pool: fc.integer({ min: 0, max: 1 }),
      early: fc.constantFrom('none', 'same', 'other', 'invalidated'),
      refund: fc.integer({ min: 0, max: 5 }).map((n) => n === 0),
      fault: fc.constantFrom('none', 'none', 'none', 'cut', 'mute', 'repeat', 'rest', 'cut and rest'),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 14 }),
        fc.constantFrom('websocket', 'sse'),
        async (steps, transport) => {
          const feed = await follow({
            min_finality: 'pending',
            transport,
            fill_within: '1m',
            settle_within: '300ms',
            heartbeat_every: '50ms',
          })
          const chains = [new Chain(poolA), new Chain(poolB)]
          const truth: string[] = []
          const told = () => {
            const counts = new Map<string, number>()
            for (const { key, value } of feed.swaps()) {
              const name = `${key} ${value.amount0} ${value.amount1}`
              counts.set(name, (counts.get(name) ?? 0) + (value.removed ? -1 : 1))
            }
            return [...counts].flatMap(([name, n]) => (n === 0 ? [] : [n === 1 ? name : `${name} x${n}`])).sort()
          }
          // both pools have asked where their chains stand
          await expect.poll(() => feed.server.asked.length).toBe(2)
          for (const [n, { pool, early, refund, fault }] of steps.entries()) {
            const chain = chains[pool] as Chain
            const paid = BigInt(1000 * (n + 1))
            if (early !== 'none')
              feed.server.tell('pending', `H${n}`, [chain.emulated(paid, early === 'other' ? paid / 3n : paid / 2n)])
            if (fault.startsWith('cut')) feed.server.cut()
            if (fault.endsWith('rest'))
              feed.server.faults.push({ status: 500, body: '' }, { body: '<html>' }, { status: 429, body: '' })
            if (fault === 'mute') feed.server.state = 'mute'
            if (early === 'invalidated') feed.server.invalidate(`H${n}`)
            else {
              const transaction = chain.next(paid, refund ? 0n : paid / 2n)
              feed.server.finalize(`H${n}`, [transaction])
              if (fault === 'repeat') feed.server.tell('finalized', `H${n}`, [transaction])
              if (!refund) truth.push(`stonfi_v1:${pool === 0 ? poolA : poolB} ${paid} ${-paid / 2n}`)
            }
            feed.server.state = 'speaking'
            if (n % 3 === 0) await new Promise((resolve) => setImmediate(resolve))
          }
          // a last swap of each pool shows what the stream has swallowed
          await expect.poll(() => feed.server.subscribers).toBe(1)
          for (const [i, chain] of chains.entries()) {
            feed.server.finalize(`end${i}`, [chain.next(9n, 4n)])
            truth.push(`stonfi_v1:${i === 0 ? poolA : poolB} 9 -4`)
          }
          await expect.poll(told).toEqual(truth.sort())
          expect(feed.gaps().filter(({ reason }) => reason === 'sequence')).toEqual([])
          feed.stop()
        },
      ),
      { numRuns: 5 },
    )
  })
})
