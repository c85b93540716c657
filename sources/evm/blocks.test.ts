import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { Block } from '../../schemas/chain.ts'
import { anvilBinary } from '../../testing/anvil.ts'
import { startTraffic, type Traffic } from '../../testing/evm_traffic.ts'
import { followSource } from '../../testing/follow_source.ts'
import { startRpcProxy } from '../../testing/rpc_proxy.ts'
import { type EvmBlocksParams, evmBlocks, openBlocks } from './blocks.ts'
import { nodeLimits } from './params.ts'

const quick = { ...nodeLimits, backoff: 10e3, backoffCap: 40e3 }
const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

interface Told {
  readonly number: string
  readonly hash: string
  readonly parentHash: string
  readonly timestamp: string
  readonly baseFeePerGas: string
  readonly gasUsed: string
  readonly gasLimit: string
  readonly transactions: readonly unknown[]
}

describe.skipIf(anvilBinary() === undefined)('blocks of a chain of anvil', () => {
  let traffic: Traffic
  beforeAll(async () => {
    traffic = await startTraffic()
  })
  afterAll(() => traffic?.close())

  const follow = (endpoints: Parameters<typeof evmBlocks>[0]['endpoints'], more: object = {}) => {
    const { chain_id } = traffic.anvil
    const given = { chain: 'anvil', chain_id, endpoints, poll_every: '10ms', stall_after: '1h', ...more }
    const params = z.parse(evmBlocks.definition.params, given) as EvmBlocksParams
    const feed = followSource<Block>((context) => openBlocks(params, context, quick))
    closing.push(feed.stop)
    return feed
  }
  /** The chain as its node has it, as rows of the source. */
  const chain = async (from: number) => {
    const numbers = Array.from({ length: (await traffic.height()) - from + 1 }, (_, n) => from + n)
    const blocks = numbers.map((n) => traffic.anvil.rpc('eth_getBlockByNumber', `0x${n.toString(16)}`, false))
    return (await Promise.all(blocks)).map((answer): Block => {
      const told = answer as Told
      return {
        number: Number(told.number),
        hash: told.hash,
        parent: told.parentHash,
        block_time: Number(told.timestamp) * 1e6,
        base_fee: BigInt(told.baseFeePerGas).toString(),
        gas_used: Number(told.gasUsed),
        gas_limit: Number(told.gasLimit),
        transactions: told.transactions.length,
        removed: false,
      }
    })
  }
  const standing = ({ rows }: ReturnType<typeof follow>) =>
    rows().reduce<Block[]>((blocks, { key: _key, at: _at, ...row }) => {
      if (row.removed) expect(blocks.pop()).toEqual({ ...row, removed: false })
      else blocks.push(row)
      return blocks
    }, [])

  test('are told under the instruments that are named too', async () => {
    await traffic.start()
    const pool = 'uniswap_v2:0xb4e16d0168e52d35cacd2c6185b44281ec28c9dc'
    const feed = follow([{ http: traffic.anvil.http }], { instruments: [pool] })
    await feed.until(() => feed.rows().length === 2)
    await traffic.trade(0)
    await feed.until(() => feed.rows().length === 4)
    const [head, same] = ['anvil:head', pool].map((key) => feed.rows().filter((row) => row.key === key))
    expect(head).toHaveLength(2)
    expect(same).toEqual(head?.map((row) => ({ ...row, key: pool })))
  })

  test.each(['ws', 'http'] as const)('are told once each, in full, over %s', async (by) => {
    const from = await traffic.start()
    const feed = follow([{ [by]: traffic.anvil[by] }])
    await feed.until(() => feed.rows().length === 1)
    for (let n = 0; n < 15; n++) await traffic.trade(n % 4)
    await feed.until(() => feed.rows().length === 16)
    expect(standing(feed)).toEqual(await chain(from))
    expect(feed.gaps()).toMatchObject([{ key: 'anvil:head', reason: 'connected' }])
    for (const row of feed.rows()) {
      expect(row.at).toBe(row.block_time)
      expect(z.safeParse(Block.schema, row).success).toBe(true)
    }
  })

  test('that leave the chain are taken back, newest first, whatever becomes of the connection', async () => {
    const proxy = await startRpcProxy({ http: traffic.anvil.http, ws: traffic.anvil.ws })
    closing.push(proxy.close)
    const from = await traffic.start()
    const feed = follow([{ ws: proxy.ws }])
    await feed.until(() => feed.rows().length === 1)
    for (const depth of [1, 4, 2, 6, 3]) {
      for (let n = 0; n < 7; n++) await traffic.trade(1)
      const before = await traffic.height()
      await feed.until(() => feed.rows().at(-1)?.number === before)
      if (depth % 2 === 0) proxy.cut()
      await traffic.anvil.rpc('anvil_reorg', depth, [])
      await traffic.mine()
      const head = await traffic.height()
      await feed.until(() => feed.rows().at(-1)?.number === head)
      expect(standing(feed)).toEqual(await chain(from))
    }
    expect(feed.rows().filter(({ removed }) => removed).length).toBeGreaterThanOrEqual(16)
    expect(feed.gaps()).toHaveLength(1)
  })

  test('are told when so many others stand on them as is asked for', async () => {
    const from = await traffic.start()
    const feed = follow([{ ws: traffic.anvil.ws }], { confirmations: 3, from_block: from })
    for (let n = 0; n < 6; n++) await traffic.trade(1)
    await feed.until(() => feed.rows().length === 4)
    expect(standing(feed)).toEqual((await chain(from)).slice(0, 4))
  })
})
