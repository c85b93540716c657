import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import type { Swap } from '../../schemas/chain.ts'
import { followFeed } from '../../testing/follow_feed.ts'
import { ToncenterServer, type TonTransaction } from '../../testing/toncenter_server.ts'
import { socketLimits } from '../feed/socket.ts'
import type { SwapFeedParams } from './swap_feed.ts'
import { openSwaps, tonSwaps } from './swaps.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})
const data = join(process.env['TIDEGATE_DATA'] ?? './data', 'dex/ton-traces')
const V1_SWAP = 0x25938561

interface Recorded {
  trace: { external_hash: string }
  transactions: {
    account: string
    lt: number
    prev_trans_lt: number
    aborted: boolean
    messages: { direction: 'in' | 'out'; opcode: number | null }[]
  }[]
}
interface Cases {
  cases: Record<string, { 'trace-id': string; 'expected-actions': { type: string; values: Record<string, unknown> }[] }>
}
/** As API v3 sends what the indexer's own dump keeps flat: logical times are texts, messages stand in their places. */
const asSent = (recorded: Recorded['transactions'][number]): TonTransaction => {
  const { messages, aborted, lt, prev_trans_lt, ...rest } = recorded
  return {
    ...rest,
    ...{ lt: String(lt), prev_trans_lt: String(prev_trans_lt), description: { aborted } },
    in_msg: messages.find(({ direction }) => direction === 'in'),
    out_msgs: messages.filter(({ direction }) => direction === 'out'),
  }
}

test.skipIf(!existsSync(data))(
  'the recorded traces of STON.fi, streamed one after the other, are the five swaps and nothing else (dex/ton-traces)',
  async () => {
    const { cases } = JSON.parse(readFileSync(join(data, 'expected_stonfi-swaps.json'), 'utf8')) as Cases
    const expected = Object.entries(cases)
    const traces = expected.map(([, one]): Recorded => {
      const file = `${one['trace-id'].replaceAll('/', '_').replaceAll('+', '-')}.json.gz`
      return JSON.parse(gunzipSync(readFileSync(join(data, 'traces', file))).toString())
    })
    const pools = traces.map(({ transactions }) =>
      transactions.find(({ messages }) => messages.some((m) => m.direction === 'in' && m.opcode === V1_SWAP)),
    )
    const server = await new ToncenterServer().start()
    closing.push(() => server.close())
    // the chains stand where the first recorded transactions go on from; between two traces of one pool there is a hole
    const first = new Map<string, Recorded['transactions'][number]>()
    for (const pool of pools)
      if (pool !== undefined && pool.lt < (first.get(pool.account)?.lt ?? Number.POSITIVE_INFINITY))
        first.set(pool.account, pool)
    for (const pool of first.values()) {
      const before = { lt: String(pool.prev_trans_lt), prev_trans_lt: '1' }
      server.finalize('before', [{ ...asSent({ ...pool, messages: [] }), ...before }])
    }
    const params = z.parse(tonSwaps.definition.params, {
      pools: [...first.keys()].map((address) => ({
        ...{ dex: 'stonfi_v1', address, decimals0: 9, decimals1: 9 },
      })),
      ...{ requests_per_second: 1000, fill_within: '200ms' },
    }) as SwapFeedParams
    const feed = followFeed((context) => openSwaps(params, context, socketLimits), server.endpoints)
    closing.push(feed.stop)
    await expect.poll(() => server.asked.length).toBe(params.pools.length)
    for (const { trace, transactions } of traces) server.finalize(trace.external_hash, transactions.map(asSent))
    await feed.until(() => feed.of('row').length === 5)
    const told = feed.of('row').map(({ value }) => {
      const { amount0, amount1, transaction } = value as Swap
      return { amounts: [BigInt(amount0), BigInt(amount1)].map(String).sort(), transaction }
    })
    const wanted = expected
      .filter(([title]) => !title.endsWith('failed'))
      .map(([, one]) => {
        const { values } = one['expected-actions'].find(({ type }) => type === 'jetton_swap') ?? {
          values: {} as Record<string, unknown>,
        }
        const swap = values['jetton_swap_data'] as Record<string, { amount: number }>
        const amounts = [
          -BigInt(swap['dex_outgoing_transfer']?.amount ?? 0),
          BigInt(swap['dex_incoming_transfer']?.amount ?? 0),
        ]
        return { amounts: amounts.map(String).sort(), hashes: values['tx_hashes'] as string[] | undefined }
      })
    expect(told.map(({ amounts }) => amounts).sort()).toEqual(wanted.map(({ amounts }) => amounts).sort())
    for (const { amounts, hashes } of wanted)
      if (hashes !== undefined)
        expect(hashes).toContain(told.find((one) => `${one.amounts}` === `${amounts}`)?.transaction)
    expect(feed.of('invalid')).toEqual([])
    // the refund goes through a pool of another trace, an hour and many transactions later
    await feed.until(() => feed.of('gap').some(({ value }) => value.reason === 'sequence'))
    expect(feed.of('gap').map(({ value }) => value.reason)).toEqual([...Array(5).fill('connected'), 'sequence'])
  },
)
