import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { followFeed } from '../../testing/follow_feed.ts'
import { cell } from '../../testing/ton_cells.ts'
import { ToncenterServer } from '../../testing/toncenter_server.ts'
import { gasPriceOf, openNetwork, tonNetwork } from './network.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})
/** `GasLimitsPrices`: a flat price before the others, gas at `price` nanotons. */
const gas = (price: number) =>
  cell()
    .uint(0xd1, 8)
    .uint(100, 64)
    .uint(40_000, 64)
    .uint(0xde, 8)
    .uint(BigInt(price * 65_536), 64)
    .uint(0, 64)
const config = (bag: string) => ({
  ok: true,
  result: { '@type': 'configInfo', config: { '@type': 'tvm.cell', bytes: bag } },
})

async function follow(given: object = {}) {
  const server = await new ToncenterServer().start()
  closing.push(() => server.close())
  const chain = { seqno: 100, utime: 1_790_000_000 }
  server.other = ({ pathname, searchParams }) => {
    switch (pathname) {
      case '/api/v2/getConfigParam':
        return { body: config(gas(searchParams.get('config_id') === '20' ? 10_000 : 66.5).toBag()) }
      case '/api/v3/masterchainInfo':
        return { body: { first: {}, last: { seqno: chain.seqno, gen_utime: String(chain.utime), tx_count: 3 } } }
      case '/api/v3/blocks':
        return {
          body: {
            blocks: [
              { workchain: -1, seqno: chain.seqno, tx_count: 3 },
              { workchain: 0, seqno: 7, tx_count: 40 },
              { workchain: 0, seqno: 8, tx_count: 17 },
            ],
          },
        }
      default:
        return undefined
    }
  }
  const params = z.parse(tonNetwork.definition.params, { every: '5ms', requests_per_second: 1000, ...given })
  const feed = followFeed((context) => openNetwork(params as Parameters<typeof openNetwork>[0], context), {
    ton_network: `http://${server.host}`,
  })
  closing.push(feed.stop)
  return { ...feed, server, chain }
}

test('transactions of a masterchain block and those it took in, block rate and gas prices, by APIs v2 and v3', async () => {
  const feed = await follow()
  await feed.until(() => feed.of('row').length === 1)
  feed.chain.seqno += 20
  feed.chain.utime += 10
  await feed.until(() => feed.of('row').length === 2)
  const [first, second] = feed.of('row')
  const same = { transactions: 60, blocks: 2, gas_price: 66.5, masterchain_gas_price: 10_000 }
  expect(first).toMatchObject({ key: 'ton:network', at: 1_790_000_000e6 })
  expect(first?.value).toEqual({ block: 100, block_rate: 0, transaction_rate: 0, ...same })
  expect(second?.value).toEqual({ block: 120, block_rate: 2, transaction_rate: 120, ...same })
  expect(feed.server.asked.filter((path) => path.includes('getConfigParam'))).toHaveLength(2)
})

test('a chain that stands still is a stall, told once', async () => {
  const feed = await follow({ stale_after: '30ms' })
  await feed.until(() => feed.of('gap').length === 2)
  expect(feed.of('gap').map(({ value }) => value.reason)).toEqual(['connected', 'stalled'])
  expect(feed.of('row')).toHaveLength(1)
})

test.each([
  ['no prices', cell().uint(0xaa, 8).uint(0, 64).toBag()],
  ['a cell that ends early', cell().uint(0xdd, 8).uint(1, 8).toBag()],
  ['no bag of cells', 'AAAA'],
])('%s in the configuration is refused', (_what, bag) => {
  expect(() => gasPriceOf(config(bag))).toThrow('not as documented')
})
