import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Wallet } from 'ethers'
import { expect, test, vi } from 'vitest'
import { journalDirectory } from '../../sinks/evm/open_executor.ts'
import { type LiveGround, liveGround } from '../../test/evm/live_ground.ts'
import { hostileTokens, type Listed, wrap } from '../../testing/hostile_tokens.ts'
import { Postgres, postgresFolder } from '../../testing/postgres.ts'
import { captured, folderWith } from '../describe/captured.ts'

let live: LiveGround
liveGround((on) => {
  live = on
})
const refused = async (...argv: readonly string[]) => {
  const { code, document } = await live.said('test-trade', ...argv)
  return [code, (document['error'] as { code: string } | undefined)?.code]
}

test('without consent both ways are simulated, and nothing is sent or opened', async () => {
  const file = live.definition('tried', 0, { signer: { from: 'keystore', address: live.ground.account } })
  const { code, document } = await live.said('test-trade', file)
  expect([code, document]).toMatchObject([
    0,
    { traded: false, simulated: 'fair', problem: null, would: { get: '0.00001' }, confirm: live.ground.account },
  ])
  // twice the fee of the pool
  expect(document['loss']).toBeCloseTo(0.006, 3)
  expect(await live.ground.swaps()).toEqual([])
  expect((await live.said('test-trade', file, '--amount', '2.5')).document).toMatchObject({ would: { pay: '2.5' } })
  const { stdout } = await captured(['test-trade', file])
  expect(stdout).toMatch(/would buy 0\.00001 for 0\.0000100\d+ and sell it for 0\.0000099\d+\nsimulated: loses 0\.60 %/)
})

test('with consent it buys and sells again through the journal, and tells what it cost', async () => {
  const file = live.definition('traded', 0)
  const { code, document, stderr } = await live.said('test-trade', file, '--confirm', live.ground.account)
  const swaps = await live.ground.swaps()
  expect([code, swaps.length]).toEqual([0, 2])
  const decimal = (units: bigint | undefined) => (Number(units) / 1e18).toString()
  const [buy, sell] = document['legs'] as readonly Readonly<Record<string, string>>[]
  expect(buy).toMatchObject({ side: 'buy', state: 'filled', got: '0.00001', transaction: swaps[0]?.transaction })
  expect(sell).toMatchObject({ side: 'sell', state: 'filled', paid: '0.00001', transaction: swaps[1]?.transaction })
  expect([Number(buy?.['paid']), Number(sell?.['got'])].map(String)).toEqual([
    decimal(swaps[0]?.paid),
    decimal(swaps[1]?.got),
  ])
  const cost = document['cost'] as Readonly<Record<string, string>>
  expect(cost['base']).toBe('0')
  expect(Number(cost['quote']) / Number(buy?.['paid'])).toBeCloseTo(0.006, 3)
  expect(Number(cost['gas'])).toBeGreaterThan(0)
  expect(stderr).toMatch(/ {2}signed: attempt 1, nonce \d+, 0x/)
  // rights, buy, rights, sell: all that left the account is known
  expect(await live.said('reconcile', file)).toMatchObject({ code: 0, document: { agrees: true, findings: [] } })
})

test('what must not be traded is refused, with its code', async () => {
  const file = live.definition('refused', 0)
  const before = await live.ground.swaps()
  expect(await refused(file, '--confirm', `0x${'1'.repeat(40)}`)).toEqual([5, 'LIVE_REFUSED'])
  expect(await refused(file, '--amount', 'much')).toEqual([2, 'USAGE'])
  expect(await refused(file, '--instrument', 'uniswap_v2:other')).toEqual([2, 'USAGE'])
  expect(await refused(live.definition('wrong', 0, { chain_id: 31338 }))).toEqual([5, 'CHAIN_MISMATCH'])
  const nowhere = `0x${'12'.repeat(20)}`
  const [market] = live.ground.params().markets as unknown as readonly [Readonly<Record<string, object>>]
  const absent = live.definition('absent', 0, {
    markets: [{ ...market, venue: { ...market['venue'], router: nowhere } }],
  })
  expect(await refused(absent)).toEqual([3, 'CONTRACT_ABSENT'])
  // a contract that is no router
  const token = { ...market['venue'], router: live.ground.uniswap.tokens[0].address }
  const odd = await live.said('test-trade', live.definition('odd', 0, { markets: [{ ...market, venue: token }] }))
  expect(odd).toMatchObject({
    code: 1,
    document: { traded: false, problem: expect.stringContaining('quotes nothing') },
  })
  expect(await live.ground.swaps()).toHaveLength(before.length)
})

test('an account without funds buys nothing', async () => {
  const poor = Wallet.createRandom()
  writeFileSync(join(live.ground.folder, 'poor.env'), `POOR=${poor.privateKey}\n`)
  chmodSync(join(live.ground.folder, 'poor.env'), 0o600)
  const address = poor.address.toLowerCase()
  const signer = { from: 'key_file', address, file: 'poor.env', name: 'POOR' }
  const file = live.definition('poor', 1, { signer })
  const tried = await live.said('test-trade', file)
  expect(tried).toMatchObject({ code: 1, document: { traded: false, simulated: 'trap' } })
  expect(tried.document['problem']).toMatch(/buying would fail/)
  expect(await live.said('test-trade', file, '--confirm', address)).toMatchObject({
    code: 1,
    document: { traded: false, simulated: 'trap' },
  })
  const dir = join(folderWith({}), 'live')
  await live.said('run', file, '--mode', 'live', '--confirm', 'poor', '--dir', dir, '--for', '3s')
  const { document } = await live.said('orders', 'poor', '--dir', dir, '--order', '/0')
  expect(document).toMatchObject({ state: 'cancelled', last_step: 'rejected', exact: { filled: '0.00000000' } })
  expect(document['journal']).toContainEqual(expect.objectContaining({ of: 'trade', what: 'rejected', code: 'FUNDS' }))
  // the rights, which were asked for once, and the trade
  const journal = journalDirectory((name) => live.ground.environment[name], { chain: 'eip155:31337', signer: address })
  expect(readFileSync(join(journal, 'journal.jsonl'), 'utf8').match(/"received","intent"/g)).toHaveLength(2)
})

test('tokens that cannot be sold again, or keep a part, are not bought', async () => {
  const { uniswap } = live.ground
  const { money, clean, taxed, honeypot } = await hostileTokens(uniswap.deployer, uniswap)
  await wrap(uniswap.deployer, money.address, 10n ** 18n)
  await uniswap.deployer.receipt(await money.send('transfer', live.ground.account, 10n ** 18n))
  const file = (name: string, { token, pair }: Listed, more: object = {}) => {
    const venue = { name: 'uniswap_v2', router: uniswap.v2.router.address, path: [money.address], ...more }
    const [base, quote] = [token, money].map(({ address }) => ({ address, decimals: 18 }))
    const market = { instrument: `uniswap_v2:${pair.address.toLowerCase()}`, base, quote, venue, exact: 'in' }
    return live.definition(name, 0, { markets: [market] })
  }
  const buy = (of: string) => live.said('test-trade', of, '--confirm', live.ground.account)
  expect(await buy(file('honeypot', honeypot))).toMatchObject({
    code: 1,
    document: { traded: false, simulated: 'trap', problem: expect.stringContaining('selling again would fail') },
  })
  // 30 % of each transfer, where the definition knows nothing of it
  expect(await buy(file('taxed', taxed))).toMatchObject({ code: 1, document: { traded: false, simulated: 'trap' } })
  expect(await buy(file('clean', clean))).toMatchObject({ code: 0, document: { traded: true, whole: true } })
  // this definition does not know what the other market of the journal moved
  expect(await live.said('reconcile', file('clean', clean))).toMatchObject({
    code: 1,
    document: { findings: [{ code: 'MARKET_UNKNOWN', what: live.ground.key }] },
  })
})

test('no test trade beside a run, for both would have one key', async () => {
  const file = live.definition('busy', 0)
  const run = live.said(
    'run',
    file,
    '--mode',
    'live',
    '--confirm',
    'busy',
    '--dir',
    join(folderWith({}), 'l'),
    '--for',
    '8s',
  )
  await new Promise((resolve) => setTimeout(resolve, 5000))
  expect(await refused(file, '--confirm', live.ground.account)).toEqual([4, 'LOG_LOCKED'])
  expect((await run).code).toBe(0)
})

const binaries = postgresFolder()
test.skipIf(binaries === undefined)(
  'the same with the journal in PostgreSQL (apt-get install postgresql)',
  async () => {
    const server = await Postgres.start(binaries as string)
    try {
      vi.stubEnv('TIDEGATE_JOURNAL_URL', server.url(server.database()))
      const file = live.definition('kept', 0)
      expect(await live.said('reconcile', file)).toMatchObject({ code: 0, document: { sinks: [{ journal: null }] } })
      const { code, document } = await live.said('test-trade', file, '--confirm', live.ground.account)
      expect([code, document['whole']]).toEqual([0, true])
      expect(await live.said('reconcile', file)).toMatchObject({ code: 0, document: { findings: [] } })
      const [token] = live.ground.uniswap.tokens
      await live.ground.uniswap.deployer.receipt(await token.send('transfer', live.ground.account, 7n))
      expect(await live.said('reconcile', file)).toMatchObject({
        code: 1,
        document: { findings: [{ code: 'BALANCE_DIFFERS' }] },
      })
      const resumed = await live.said('reconcile', file, '--resume', '--confirm', live.ground.account)
      expect(resumed).toMatchObject({ code: 0, document: { findings: [] } })
      await server.kill()
      expect(await live.said('reconcile', file)).toMatchObject({
        code: 4,
        document: { error: { code: 'JOURNAL_UNREACHABLE' } },
      })
    } finally {
      vi.stubEnv('TIDEGATE_JOURNAL_URL', undefined)
      await server.stop()
    }
  },
  90_000,
)
