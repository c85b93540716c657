import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { type LiveGround, liveGround } from '../../test/evm/live_ground.ts'
import { captured, folderWith } from '../describe/captured.ts'

let live: LiveGround
liveGround((on) => {
  live = on
})

interface Order {
  readonly id: string
  readonly state: string
  readonly side: string
  readonly exact: { readonly filled: string; readonly quantity: string; readonly notional: string }
  readonly average_price: number
  readonly steps: number
  readonly last_step: string | null
}
async function ordersOf(...argv: readonly string[]): Promise<readonly Order[]> {
  const { document } = await live.said('orders', ...argv)
  return document['orders'] as readonly Order[]
}
/** Asks until orders are as they should be. */
async function until(dir: string, is: (orders: readonly Order[]) => boolean): Promise<readonly Order[]> {
  for (let attempt = 0; attempt < 1200; attempt++) {
    const { code, document } = await live.said('orders', 'seesaw', '--dir', dir)
    const orders = (document['orders'] ?? []) as readonly Order[]
    if (code === 0 && is(orders)) return orders
    await setTimeout(50)
  }
  throw new Error('orders did not come so far')
}

test('orders and positions of a live run, beside it and after it', async () => {
  const file = live.definition('seesaw', 3)
  const dir = join(folderWith({}), 'live')
  const run = live.said('run', file, '--mode', 'live', '--confirm', 'seesaw', '--dir', dir, '--for', '8s')
  const during = await until(dir, (orders) => orders.some(({ state }) => state === 'accepted'))
  expect(during[0]?.side).toBe('buy')
  expect((await run).code).toBe(0)
  const orders = await ordersOf(file, '--dir', dir)
  expect(orders.map(({ side, state, last_step, steps }) => [side, state, last_step, steps >= 8])).toEqual([
    ['buy', 'filled', 'settled', true],
    ['sell', 'filled', 'settled', true],
    ['buy', 'filled', 'settled', true],
  ])
  expect(await ordersOf('seesaw', '--dir', dir, '--open')).toEqual([])
  const swaps = await live.ground.swaps()
  const fromChain = swaps.map(({ paid, got }) => [paid, got].map((units) => Number(units) / 1e18))
  const told = orders.map(({ side, exact }) => {
    const sides = [Number(exact.notional), Number(exact.filled)]
    return side === 'buy' ? sides : sides.toReversed()
  })
  for (const [i, [paid, got]] of told.entries()) {
    expect(paid).toBeCloseTo(fromChain[i]?.[0] as number, 7)
    expect(got).toBeCloseTo(fromChain[i]?.[1] as number, 7)
  }
  expect(await live.said('parity', 'seesaw', '--dir', dir)).toMatchObject({ code: 0, document: { equal: true } })
  const { document } = await live.said('positions', 'seesaw', '--dir', dir)
  const [position] = document['positions'] as readonly { instrument: string; fills: number; exact: object }[]
  expect(position).toMatchObject({ instrument: live.ground.key, fills: 3, exact: { quantity: '0.03000000' } })

  const [first] = orders as [Order]
  const life = (await live.said('orders', 'seesaw', '--dir', dir, '--order', first.id)).document
  const journal = life['journal'] as readonly { at: number; of: string; what: string; nonce?: number; hash?: string }[]
  expect(journal.filter(({ of, what }) => of === 'trade' && what !== 'seen').map(({ what }) => what)).toEqual([
    ...['received', 'planned', 'simulated', 'signed', 'sent', 'included', 'final', 'settled'],
  ])
  expect(journal.find(({ what, of }) => what === 'signed' && of === 'trade')?.hash).toBe(swaps[0]?.transaction)
  expect(journal.filter(({ of }) => of === 'allowance.0').map(({ what }) => what)).toContain('settled')
  expect(journal.every(({ at }) => Math.abs(at - Date.now() * 1000) < 60e6)).toBe(true)
  expect(JSON.stringify(journal)).not.toContain('"raw"')
  const text = await captured(['orders', 'seesaw', '--dir', dir, '--order', first.id.slice(-18)])
  expect(text.stdout).toMatch(/filled; 0\.02 filled at/)
  expect(text.stdout).toContain(`hash ${swaps[0]?.transaction}`)
})

test('the same of a paper run, whose chain is simulated', async () => {
  const file = live.definition('seesaw', 2, { simulation: { block_time: '1s' } })
  const dir = join(folderWith({}), 'paper')
  const before = await live.ground.swaps()
  const run = live.said('run', file, '--dir', dir, '--for', '8s')
  // paper trades move no pool of the chain: somebody else does
  const { router } = live.ground.uniswap.v2
  const path = live.ground.uniswap.tokens.map(({ address }) => address)
  const { deployer, tokens } = live.ground.uniswap
  await tokens[0].send('approve', router.address, 10n ** 24n)
  for (let i = 0; i < 4; i++) {
    await setTimeout(300)
    await router.send('swapExactTokensForTokens', 10n ** 18n, 0, path, deployer.account, 10n ** 12n)
  }
  expect((await run).code).toBe(0)
  const orders = await ordersOf('seesaw', '--dir', dir)
  expect(orders.map(({ side, state, last_step }) => [side, state, last_step])).toEqual([
    ['buy', 'filled', 'settled'],
    ['sell', 'filled', 'settled'],
  ])
  const { document } = await live.said('positions', file, '--dir', dir)
  expect(document).toMatchObject({ mode: 'paper', positions: [{ fills: 2, exact: { quantity: '0.01000000' } }] })
  const life = (await live.said('orders', 'seesaw', '--dir', dir, '--order', (orders[0] as Order).id)).document
  expect(life['journal']).toBeNull()
  expect((life['log'] as readonly { what: string }[]).map(({ what }) => what)).toEqual(
    expect.arrayContaining(['approved', 'accepted', 'received', 'signed', 'included', 'settled', 'fill', 'filled']),
  )
  expect(await live.ground.swaps()).toHaveLength(before.length)
})

test('what is not there is said', async () => {
  const dir = join(folderWith({}), 'none')
  expect(await live.said('orders', 'seesaw', '--dir', dir)).toMatchObject({
    code: 4,
    document: { error: { code: 'FILE_ABSENT' } },
  })
  expect(await live.said('positions', 'seesaw', '--dir', dir)).toMatchObject({ code: 4 })
})
