import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { captured } from '../../cli/describe/captured.ts'
import { add, toText } from '../../schemas/fixed.ts'
import { journalDirectory } from '../../sinks/evm/open_executor.ts'
import { Book } from '../../sinks/execution/book.ts'
import { readFileJournal } from '../../sinks/execution/file_journal.ts'
import { gasPaid } from '../../sinks/execution/order.ts'
import { toFixed } from '../../sinks/execution/told.ts'
import { anvilBinary } from '../../testing/anvil.ts'
import { type Ground, startGround } from './ground.ts'
import { liveDefinition } from './live_definition.ts'

const main = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))
const loader = import.meta.resolve('tsx')
const unit = 10n ** 18n

describe.skipIf(anvilBinary() === undefined)('a live run by the command line', () => {
  let ground: Ground
  let traffic: 'on' | 'off' | 'ended' = 'on'
  let market = Promise.resolve()
  beforeAll(async () => {
    ground = await startGround()
    writeFileSync(join(ground.folder, 'live.json'), JSON.stringify(liveDefinition(ground)))
    market = trade()
  })
  afterAll(async () => {
    traffic = 'ended'
    await market
    await ground?.close()
  })
  /** Others trade one way for a while, then the other: the trend turns. */
  async function trade(): Promise<void> {
    for (let n = 0; traffic !== 'ended'; n++) {
      await setTimeout(120)
      const side = Math.floor(n / 14) % 2 === 0 ? 0 : 1
      if (traffic === 'on') await ground.uniswap.swap('v2', side, 5n * unit + BigInt(n))
      await ground.proxy.mine()
    }
  }
  function start(...args: readonly string[]): ChildProcess {
    return spawn(process.execPath, ['--import', loader, main, ...args, '--json'], {
      cwd: ground.folder,
      env: { ...process.env, ...ground.environment },
    })
  }
  async function run(...args: readonly string[]): Promise<{ code: number | null; lines: Record<string, unknown>[] }> {
    const child = start(...args)
    const out: Buffer[] = []
    child.stdout?.on('data', (chunk: Buffer) => out.push(chunk))
    const [code] = (await once(child, 'exit')) as [number | null]
    const text = Buffer.concat(out).toString().trim()
    const lines = text.startsWith('{\n') ? [text] : text.split('\n')
    return { code, lines: lines.map((line) => JSON.parse(line) as Record<string, unknown>) }
  }
  function book(): Book {
    const of = { chain: `eip155:${ground.anvil.chain_id}`, signer: ground.account }
    const kept = new Book()
    const directory = journalDirectory((name) => ground.environment[name], of)
    for (const entry of readFileJournal(directory)?.entries ?? []) kept.add(entry)
    return kept
  }
  const live = ['run', 'live.json', '--mode', 'live', '--confirm', 'live_trend'] as const

  test('killed again and again, it trades each order and tells each cost once, and its log replays to the same', async () => {
    for (const swaps of [1, 3]) {
      const child = start(...live)
      for (let waited = 0; waited < 1200 && (await ground.swaps()).length < swaps; waited++) await setTimeout(100)
      await setTimeout(200 * swaps)
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    // the market stands still, so no new order comes; what is under way comes to its end
    traffic = 'off'
    let ran = await run(...live, '--for', '4s')
    while (book().open().length > 0) ran = await run(...live, '--for', '4s')
    expect(ran.code).toBe(0)
    const { report } = ran.lines.at(-1) as { report: { fills: number; exact: { fees: string } } }
    const swaps = await ground.swaps()
    expect(report.fills).toBeGreaterThan(2)
    expect(report.fills).toBe(swaps.length)
    // rights trade nothing: what they cost is told beside what trades did, each once
    const costs = [...book().all()].map((order) => toFixed(gasPaid(order), 18))
    expect(costs.filter((cost) => cost > 0n).length).toBeGreaterThan(swaps.length)
    expect(report.exact.fees).toBe(toText(costs.reduce(add)))
    expect(await run('reconcile', 'live.json')).toMatchObject({ code: 0, lines: [{ agrees: true, findings: [] }] })
    for (const verb of ['parity', 'replay'])
      expect(await run(verb, 'live_trend', '--live')).toMatchObject({ code: 0, lines: [{ equal: true }] })
  })

  test.each([
    ['without consent', ['run', 'live.json', '--mode', 'live']],
    ['with consent for another', ['run', 'live.json', '--mode', 'live', '--confirm', 'other']],
    ['on recorded data', [...live, '--bind', 'pools=some.tape']],
    ['deployed', ['deploy', 'live.json', '--mode', 'live']],
  ])('%s it is refused', async (_, args) => {
    const given = args.map((arg) => (arg === 'live.json' ? join(ground.folder, arg) : arg))
    const { code, stdout } = await captured([...given, '--json'])
    expect([code, JSON.parse(stdout)]).toMatchObject([5, { error: { code: 'LIVE_REFUSED' } }])
  })
})
