import { appendFileSync, cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { crc32 } from 'node:zlib'
import { JsonRpcProvider } from 'ethers'
import { expect, test } from 'vitest'
import { journalDirectory } from '../../sinks/evm/open_executor.ts'
import { type LiveGround, liveGround } from '../../test/evm/live_ground.ts'
import { captured, folderWith } from '../describe/captured.ts'

let live: LiveGround
let journal = ''
liveGround((on) => {
  live = on
  const { environment, account, anvil } = on.ground
  journal = journalDirectory((name) => environment[name], { chain: `eip155:${anvil.chain_id}`, signer: account })
})

interface Found {
  readonly code: string
  readonly what: string
  readonly expected: string
  readonly found: string
  readonly mends: string
}
const reconcile = async (...argv: readonly string[]) => {
  const { code, document, stderr } = await live.said('reconcile', ...argv)
  return { code, stderr, document, findings: (document['findings'] ?? []) as readonly Found[] }
}
const refused = async (...argv: readonly string[]) => {
  const { code, document } = await live.said(...argv)
  return [code, (document['error'] as { code: string } | undefined)?.code]
}
const trade = (file: string, pipeline: string, dir: string, length: string) =>
  live.said('run', file, '--mode', 'live', '--confirm', pipeline, '--dir', dir, '--for', length)
/** Sends something the journal does not know of, with the next nonce of the account; dear enough to push out what waits. */
async function stray(then: () => Promise<void> = async () => {}): Promise<string> {
  const provider = new JsonRpcProvider(live.ground.anvil.http, undefined, { staticNetwork: true })
  const { account, wallet } = live.ground
  const nonce = await provider.getTransactionCount(account)
  const fees = { maxFeePerGas: 10n ** 11n, maxPriorityFeePerGas: 10n ** 10n, gasLimit: 21_000n }
  const { chain_id: chainId } = live.ground.anvil
  const raw = await wallet.signTransaction({ to: account, value: 0n, nonce, chainId, type: 2, ...fees })
  const hash = String(
    await live.ground.proxy.answer('eth_sendRawTransaction', [raw]).then((r) => 'result' in r && r.result),
  )
  await then()
  while ((await provider.getTransactionReceipt(hash)) === null) await setTimeout(50)
  provider.destroy()
  return hash
}

test('journal, chain and log agree after trades; without a journal there is nothing to compare', async () => {
  const file = live.definition('first', 3)
  const dir = join(folderWith({}), 'live')
  expect(await reconcile(file, '--dir', dir)).toMatchObject({
    code: 0,
    findings: [],
    document: { agrees: true, log: null, sinks: [{ journal: null }] },
  })
  expect(await refused('reconcile', file, '--resume', '--confirm', live.ground.account)).toEqual([4, 'FILE_ABSENT'])
  const run = trade(file, 'first', dir, '15s')
  await setTimeout(3000)
  // beside the run: whatever is under way mends by itself
  const beside = await reconcile(file, '--dir', dir)
  expect(beside.findings.filter(({ mends }) => mends !== 'by_itself')).toEqual([])
  expect(beside.code).toBe(0)
  expect(await refused('reconcile', file, '--dir', dir, '--resume', '--confirm', live.ground.account)).toEqual([
    4,
    'LOG_LOCKED',
  ])
  expect((await run).code).toBe(0)
  const { code, findings, document } = await reconcile(file, '--dir', dir)
  expect([code, findings]).toEqual([0, []])
  // three trades and the rights of two tokens
  expect(document).toMatchObject({
    agrees: true,
    sinks: [
      {
        journal: { orders: 5, open: 0 },
        nonce: { journal: 5, chain: 5 },
        positions: [{ instrument: live.ground.key, log: '0.03000000', journal: '0.03000000' }],
      },
    ],
  })
  const text = await captured(['reconcile', file, '--dir', dir])
  expect(text.stdout).toContain('0.03000000 by the journal, 0.03000000 by the log')
})

test('a transfer from outside is a difference of balances', async () => {
  const file = live.definition('first', 3)
  const [token] = live.ground.uniswap.tokens
  await live.ground.uniswap.deployer.receipt(await token.send('transfer', live.ground.account, 12_345n))
  const { code, findings } = await reconcile(file)
  expect(code).toBe(1)
  expect(findings).toEqual([expect.objectContaining({ code: 'BALANCE_DIFFERS', what: token.address.toLowerCase() })])
  const [difference] = findings as readonly [Found]
  expect(BigInt(difference.found) - BigInt(difference.expected)).toBe(12_345n)
  expect((await reconcile(file, '--resume', '--confirm', live.ground.account)).code).toBe(0)
})

test('a foreign transaction halts the signer; when somebody has looked, it goes on', async () => {
  const hash = await stray()
  const file = live.definition('second', 1)
  const dir = join(folderWith({}), 'live')
  const found = await reconcile(file, '--dir', dir)
  expect(found.code).toBe(1)
  expect(found.findings.map(({ code }) => code)).toEqual(['FOREIGN_NONCE', 'BALANCE_DIFFERS'])
  expect(found.findings[0]).toMatchObject({ what: 'nonce 5', found: hash })

  const before = await live.ground.swaps()
  const run = await trade(file, 'second', dir, '4s')
  expect(run.stderr).toContain('FOREIGN_NONCE: nonce 5')
  expect(run.stderr).toContain('nothing new is signed until somebody has looked')
  expect(await live.ground.swaps()).toHaveLength(before.length)
  const halted = await reconcile(file, '--dir', dir)
  expect(halted.code).toBe(5)
  expect(halted.findings.map(({ code }) => code)).toEqual(['SIGNER_HALTED', 'FOREIGN_NONCE', 'BALANCE_DIFFERS'])
  expect((await trade(file, 'second', dir, '2s')).stderr).toContain('is halted, nothing new is signed')
  expect(await live.ground.swaps()).toHaveLength(before.length)

  expect(await refused('reconcile', file, '--dir', dir, '--resume')).toEqual([5, 'LIVE_REFUSED'])
  const other = `0x${'1'.repeat(40)}`
  expect(await refused('reconcile', file, '--dir', dir, '--resume', '--confirm', other)).toEqual([5, 'LIVE_REFUSED'])
  const taken = await reconcile(file, '--dir', dir, '--resume', '--confirm', live.ground.account)
  expect([taken.code, taken.findings]).toEqual([0, []])
  expect(taken.stderr).toContain('taken up again at nonce 6')
  await trade(file, 'second', dir, '4s')
  expect(await live.ground.swaps()).toHaveLength(before.length + 1)
  expect(await reconcile(file, '--dir', dir)).toMatchObject({ code: 0, findings: [] })
})

test('an order whose nonce somebody else took is followed to its end before anything is resumed', async () => {
  const file = live.definition('third', 1)
  const dir = join(folderWith({}), 'live')
  await live.still()
  expect((await trade(file, 'third', dir, '2s')).code).toBe(0)
  const { findings } = await reconcile(file, '--dir', dir)
  expect(findings.map(({ code, found }) => [code, found])).toEqual([['UNDER_WAY', 'pending']])
  const before = await live.ground.swaps()
  const hash = await stray(() => live.ground.proxy.mine())
  live.mine()
  const taken = await reconcile(file, '--dir', dir)
  expect(taken.code).toBe(1)
  expect(taken.findings.map(({ code }) => code)).toEqual(['UNDER_WAY', 'FOREIGN_NONCE', 'BALANCE_DIFFERS'])
  const resume = ['reconcile', file, '--dir', dir, '--resume', '--confirm', live.ground.account]
  expect(await refused(...resume)).toEqual([5, 'SIGNER_HALTED'])
  await trade(file, 'third', dir, '3s')
  const { document } = await live.said('orders', 'third', '--dir', dir)
  expect(document['orders']).toMatchObject([{ state: 'conflict', last_step: 'conflict' }])
  const halted = await reconcile(file, '--dir', dir)
  expect([halted.code, halted.findings.find(({ code }) => code === 'FOREIGN_NONCE')?.found]).toEqual([5, hash])
  expect((await live.said(...resume)).code).toBe(0)
  expect(await live.ground.swaps()).toHaveLength(before.length)
})

test('what cannot be compared is refused, with its code', async () => {
  const wrong = live.definition('wrong', 0, { chain_id: 31338 })
  expect(await refused('reconcile', wrong)).toEqual([5, 'CHAIN_MISMATCH'])
  const dead = live.definition('dead', 0, { endpoints: [{ http: 'http://127.0.0.1:9' }] })
  expect(await refused('reconcile', dead)).toEqual([4, 'ENDPOINT_UNREACHABLE'])
  const file = live.definition('first', 3)
  expect(await refused('reconcile', file, '--node', 'nobody')).toEqual([2, 'USAGE'])

  const path = join(journal, 'journal.jsonl')
  const kept = join(folderWith({}), 'kept')
  cpSync(journal, kept, { recursive: true })
  try {
    appendFileSync(path, '00000000 {"at":1}\n')
    expect(await refused('reconcile', file)).toEqual([5, 'JOURNAL_CORRUPT'])
    const dir = join(folderWith({}), 'live')
    expect((await trade(file, 'first', dir, '2s')).document).toMatchObject({ error: { code: 'JOURNAL_CORRUPT' } })
    const header = JSON.stringify({ tidegate_journal: 99, chain: 'eip155:31337', signer: live.ground.account })
    writeFileSync(path, `${crc32(header).toString(16).padStart(8, '0')} ${header}\n`)
    expect(await refused('reconcile', file)).toEqual([5, 'JOURNAL_NEWER'])
  } finally {
    rmSync(journal, { recursive: true })
    cpSync(kept, journal, { recursive: true })
  }
  expect(readFileSync(path, 'utf8')).toContain('"settled"')
  expect((await reconcile(file)).code).toBe(0)
})
