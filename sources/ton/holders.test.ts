import fc from 'fast-check'
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import type { JettonHolders } from '../../schemas/ton.ts'
import { followFeed } from '../../testing/follow_feed.ts'
import { ToncenterServer } from '../../testing/toncenter_server.ts'
import { Balances } from './balances.ts'
import { openHolders, tonJettonHolders } from './holders.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})
const jetton = `0:${'d'.repeat(64)}`

async function follow(wallets: () => Readonly<Record<string, string>>, given: object = {}) {
  const server = await new ToncenterServer().start()
  closing.push(() => server.close())
  const content = { name: 'Coin', symbol: 'TON', decimals: '2' }
  server.other = ({ pathname }) =>
    pathname === '/api/v3/jetton/masters'
      ? {
          body: {
            jetton_masters: [{ address: jetton, total_supply: '1000', mintable: true, jetton_content: content }],
          },
        }
      : pathname === '/api/v3/jetton/wallets'
        ? {
            body: {
              jetton_wallets: Object.entries(wallets()).map(([address, balance]) => ({ address, balance, owner: 'x' })),
            },
          }
        : undefined
  const params = z.parse(tonJettonHolders.definition.params, {
    ...{ jettons: [jetton], every: '5ms', requests_per_second: 1000, move_share: 0.1, top: 10, ...given },
  }) as Parameters<typeof openHolders>[0]
  const feed = followFeed(
    (context) => openHolders(params, context),
    { ton_jetton_holders: `http://${server.host}` },
    { secret: (name) => (name === 'TIDEGATE_KEY' ? 'the key' : undefined) },
  )
  closing.push(feed.stop)
  return { ...feed, server, rows: () => feed.of('row').map(({ value }) => value as JettonHolders) }
}

test('shares of the supply and what the large wallets moved, by API v3 as documented', async () => {
  let wallets: Record<string, string> = { a: '500', b: '300', c: '100' }
  const feed = await follow(() => wallets, { api_key: 'TIDEGATE_KEY' })
  await feed.until(() => feed.rows().length > 0)
  expect(feed.rows()[0]).toEqual({
    ...{ supply: '1000', decimals: 2, mintable: true, seen: 3, holders_more: false },
    ...{ top1: 0.5, top10: 0.9, top_seen: 0.9, concentration: 0.25 + 0.09 + 0.01, moves: 0, moved_in: 0, moved_out: 0 },
  })
  wallets = { a: '350', b: '450', c: '110' }
  await feed.until(() => feed.rows().some(({ moves }) => moves > 0))
  expect(feed.rows().find(({ moves }) => moves > 0)).toMatchObject({ moves: 2, moved_in: 1.5, moved_out: 1.5 })
  expect(feed.server.asked[1]).toBe(
    `/api/v3/jetton/wallets?jetton_address=${encodeURIComponent(jetton)}&exclude_zero_balance=true&limit=10&sort=desc`,
  )
  expect(new Set(feed.server.headers)).toEqual(new Set(['the key']))
})

test('a jetton nobody knows, and rubbish, are told as invalid and asked for again', async () => {
  const feed = await follow(() => ({ a: '1' }))
  const before = feed.rows().length
  feed.server.faults.push({ body: { jetton_masters: [] } }, { status: 429, body: '' }, { body: '<html>' })
  await feed.until(() => feed.of('invalid').length === 2)
  await feed.until(() => feed.rows().length > before + 1)
  expect(feed.of('invalid').map(({ value }) => value.reason)).toEqual(['no_such_jetton', 'not_json'])
})

test('a key that is not set is said, and asked without', async () => {
  const feed = await follow(() => ({ a: '1' }), { api_key: 'TIDEGATE_OTHER' })
  await feed.until(() => feed.rows().length > 0)
  expect(feed.notices.join()).toContain('TIDEGATE_OTHER is not set')
  expect(new Set(feed.server.headers)).toEqual(new Set([undefined]))
})

test('of a wallet that comes into the list or drops out, only what surely moved is counted', () => {
  const balances = new Balances(0.1)
  balances.look(
    new Map([
      ['a', 500n],
      ['b', 100n],
    ]),
    1000n,
  )
  // b may have held anything up to 100 before; c had at most 100
  expect(
    balances.look(
      new Map([
        ['a', 500n],
        ['c', 350n],
      ]),
      1000n,
    ),
  ).toMatchObject({ moves: 1, movedIn: 250n, movedOut: 0n })
  expect(
    balances.look(
      new Map([
        ['c', 350n],
        ['d', 300n],
      ]),
      1000n,
    ),
  ).toMatchObject({ moves: 1, movedIn: 0n, movedOut: 200n })
})

test('shares are shares, whatever the balances', () => {
  const amount = fc.bigInt({ min: 0n, max: 2n ** 80n })
  fc.assert(
    fc.property(fc.dictionary(fc.string(), amount), amount, (held, supply) => {
      const { top1, top10, top_seen, concentration } = new Balances(0.01).look(new Map(Object.entries(held)), supply)
      for (const share of [top1, top10, top_seen, concentration]) expect(share >= 0 && share <= 1).toBe(true)
      expect(top1 <= top10 && top10 <= top_seen).toBe(true)
    }),
  )
})
