import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { captured } from '../../cli/describe/captured.ts'
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
  const live = ['run', 'live.json', '--mode', 'live', '--confirm', 'live_trend'] as const

  test('killed again and again, it trades each order once, and its log replays to the same', async () => {
    for (const swaps of [1, 3]) {
      const child = start(...live)
      for (let waited = 0; waited < 1200 && (await ground.swaps()).length < swaps; waited++) await setTimeout(100)
      await setTimeout(200 * swaps)
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    // the market stands still, so no new order comes; what is under way comes to its end
    traffic = 'off'
    const { code, lines } = await run(...live, '--for', '4s')
    expect(code).toBe(0)
    const { report } = lines.at(-1) as { report: { fills: number; positions: Record<string, number> } }
    const swaps = await ground.swaps()
    expect(report.fills).toBeGreaterThan(2)
    expect(report.fills).toBe(swaps.length)
    const parity = await run('parity', 'live_trend', '--live')
    expect(parity).toMatchObject({ code: 0, lines: [{ equal: true }] })
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
