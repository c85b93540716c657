import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { captured, folderWith, removeFolders } from '../describe/captured.ts'
import type { Variant } from '../sweep/variant.ts'

const flagship = fileURLToPath(new URL('../../pipelines/btc_momentum.yaml', import.meta.url))
let folder = ''
const at = (name: string) => join(folder, name)
const first = 1_700_000_000_000_000
const rows = Array.from({ length: 3000 }, (_, i) => ({
  at: first + i * 100_000,
  key: i % 3 === 0 ? 'binance:ETHUSDT' : 'binance:BTCUSDT',
  price: 100 + Math.round(300 * Math.sin(i / 90)) / 100,
  size: 1 + (i % 7),
  side: i % 2 ? 1 : -1,
  id: i + 1,
}))

interface Document {
  readonly pipeline: string
  readonly variants: readonly Variant[]
  readonly invalid: number
  readonly ticks: number
  readonly workers: number
}
const run = async (...argv: string[]) => {
  const { code, json, stderr } = await captured([...argv, '--json'])
  return { code, stderr, document: () => json<Document>(), error: () => json<{ error: { code: string } }>().error }
}
const sweep = (...argv: string[]) => run('sweep', flagship, '--tape', at('trades.tape'), ...argv)
const faster = ['--set', 'above.warm_up=5']
const varied = [...faster, '--vary', 'trend.span=3..5', '--vary', 'bars.every=1s,2s']

beforeAll(async () => {
  folder = folderWith({ 'trades.jsonl': rows.map((row) => `${JSON.stringify(row)}\n`).join('') })
  expect((await run('import', 'jsonl_trades', at('trades.jsonl'), '-o', at('trades.tape'))).code).toBe(0)
})
afterAll(removeFolders)

test('each variant gives what a backtest with the same settings gives, in the order of the product', async () => {
  const { code, document } = await sweep(...varied, '--workers', '2')
  expect(code).toBe(0)
  const { variants, pipeline, ticks, workers } = document()
  expect({ pipeline, ticks, workers }).toEqual({ pipeline: 'btc_momentum', ticks: 6 * 3000, workers: 2 })
  expect(variants.map(({ params }) => Object.values(params).join(' '))).toEqual([
    '3 1s',
    '3 2s',
    '4 1s',
    '4 2s',
    '5 1s',
    '5 2s',
  ])
  expect(new Set(variants.map((v) => v.outputs_sha256)).size).toBe(6)
  expect(variants[0]?.fills).toBeGreaterThan(3)
  for (const { params, ...figures } of variants) {
    const settings = Object.entries(params).flatMap(([name, value]) => ['--set', `${name}=${value}`])
    const single = await run('backtest', flagship, '--tape', at('trades.tape'), ...faster, ...settings)
    expect(single.document()).toMatchObject({ ...figures })
  }
})

test('one worker and two give the same variants, and the files hold them', async () => {
  const [one, two] = [
    await sweep(...varied, '--workers', '1', '-o', at('out')),
    await sweep(...varied, '--workers', '2'),
  ]
  expect(one.document().variants).toEqual(two.document().variants)
  expect(one.document().workers).toBe(1)
  const written = JSON.parse(readFileSync(at('out/sweep.json'), 'utf8')) as Document
  expect(written.variants).toEqual(two.document().variants)
  const [head, line, ...more] = readFileSync(at('out/sweep.csv'), 'utf8').trim().split('\n')
  expect(head).toMatch(/^trend\.span,bars\.every,plan,pnl,.*,outputs_sha256$/)
  expect(line).toMatch(/^3,1s,/)
  expect(more).toHaveLength(5)
})

test('a range and a symbol are cut before the rows are shared', async () => {
  const range = ['--from', String(first + 60_050_000), '--to', String(first + 200_000_000)]
  const tape = `${at('trades.tape')}:BTCUSDT`
  const settings = [...faster, '--set', 'bars.every=1s']
  const many = await run('sweep', flagship, '--tape', tape, ...range, ...settings, '--vary', 'trend.span=4')
  const single = await run('backtest', flagship, '--tape', tape, ...range, ...settings, '--set', 'trend.span=4')
  const { params: _params, ...figures } = many.document().variants[0] as Variant
  expect(figures.ticks).toBeLessThan(1000)
  expect(single.document()).toMatchObject(figures)
})

test('a source that makes its rows is shared, or makes them anew where its params vary', async () => {
  const market = 'trades: { source: synthetic_market, params: { trades: 2000, seed: 3 } }'
  writeFileSync(at('made.yaml'), readFileSync(flagship, 'utf8').replace(/trades: \{ source.*\}/, market))
  const settings = [...faster, '--set', 'bars.every=1s']
  const seeds = (await run('sweep', at('made.yaml'), ...settings, '--vary', 'trades.seed=3,4')).document()
  const spans = (await run('sweep', at('made.yaml'), ...settings, '--vary', 'trend.span=20,21')).document()
  expect(seeds.variants[0]?.outputs_sha256).toBe(spans.variants[0]?.outputs_sha256)
  expect(seeds.variants[1]?.outputs_sha256).not.toBe(seeds.variants[0]?.outputs_sha256)
  const single = await run('backtest', at('made.yaml'), ...settings, '--set', 'trades.seed=4')
  expect(single.document()).toMatchObject({ outputs_sha256: seeds.variants[1]?.outputs_sha256 })
})

test('invalid variants are refused with their params before any runs, or left out and counted', async () => {
  const refused = await sweep('--vary', 'trend.span=1..3', '--vary', 'bars.every=1s')
  expect({ code: refused.code, error: refused.error().code }).toEqual({ code: 3, error: 'DEFINITION_INVALID' })
  expect(refused.stderr).toContain('1 of 3 variants are invalid')
  expect(refused.stderr).toContain('trend.span=1 bars.every=1s: nodes.trend.params.span: Too small')
  const left = await sweep('--vary', 'trend.span=1..3', '--skip-invalid')
  expect(left.document()).toMatchObject({ invalid: 1, variants: [{ params: { 'trend.span': 2 } }, {}] })
  expect((await sweep('--vary', 'trend.span=0,1', '--skip-invalid')).code).toBe(3)
})

test('wrong usage, unbound sources and tapes that do not fit are refused', async () => {
  expect((await sweep()).code).toBe(2)
  expect((await sweep('--vary', 'trend.spn=3')).stderr).toContain('did you mean "span"?')
  expect((await sweep('--vary', 'trend.span=3', '--sort', 'pnll')).stderr).toContain('did you mean "pnl"?')
  expect((await sweep('--vary', 'trend.span=3', '--workers', '0')).code).toBe(2)
  expect((await sweep('--vary', 'trend.span=3', '--top', 'all')).code).toBe(2)
  const unbound = await run('sweep', flagship, '--vary', 'trades.lateness=1s')
  expect({ code: unbound.code, error: unbound.error().code }).toEqual({ code: 3, error: 'BINDING_INVALID' })
  const small = ['--vary', 'trend.span=3', '--max-memory', '0.01']
  for (const range of [[], ['--from', String(first + 1)]]) {
    const refused = await sweep(...small, ...range)
    expect({ code: refused.code, error: refused.error().code }).toEqual({ code: 4, error: 'MEMORY_SHORT' })
  }
})

test('a component that fails ends the sweep and names the variant', async () => {
  const define = fileURLToPath(new URL('../../runtime/define.ts', import.meta.url))
  const market = fileURLToPath(new URL('../../schemas/market.ts', import.meta.url))
  const project = folderWith({})
  writeFileSync(
    join(project, 'tidegate.config.ts'),
    `import { defineScan } from '${define}'
import { Trade } from '${market}'
import { z } from '${import.meta.resolve('zod')}'
const picky = defineScan({
  name: 'picky', version: 1, summary: 'Throws.', input: Trade, output: Trade,
  params: z.strictObject({ limit: z.number() }), init: () => ({ seen: 0 }),
  step(state, trade, { params }) {
    if (++state.seen > params.limit) throw new Error('had enough')
    return trade
  },
  example: { params: { limit: 1 }, input: [], output: [] },
})
export default { operators: [picky] }
`,
  )
  writeFileSync(
    join(project, 'p.yaml'),
    'pipeline: p\nnodes:\n  trades: { source: tape_trades }\n  picky: { op: picky, from: trades, params: { limit: 1 } }\n',
  )
  const argv = ['--tape', at('trades.tape'), '--vary', 'picky.limit=100000,10', '--workers', '1']
  const { code, stderr } = await run('sweep', join(project, 'p.yaml'), ...argv)
  expect(code).toBe(1)
  expect(stderr).toContain('OPERATOR_FAILED: variant picky.limit=10: ')
})

test('Ctrl-C ends the workers', async () => {
  const entry = fileURLToPath(new URL('../main.ts', import.meta.url))
  const market = 'trades=synthetic_market{"minutes":60}'
  const argv = ['sweep', flagship, '--bind', market, '--vary', 'trend.span=2..2000', '--workers', '2']
  const child = spawn(process.execPath, ['--import', 'tsx', entry, ...argv], { stdio: ['ignore', 'ignore', 'pipe'] })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  let said = ''
  try {
    child.stderr.on('data', (text: Buffer) => {
      said += String(text)
      if (said.includes('2 workers') && !child.killed) child.kill('SIGINT')
    })
    expect(await ended).toBe(130)
    expect(said).toContain('of 1999 variants run; nothing is written')
  } finally {
    child.kill('SIGKILL')
  }
})
