import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { captured, folderWith, momentum, removeFolders } from './describe/captured.ts'

afterAll(removeFolders)

/** An operator of a project that cannot stand one of the prices. */
const config = `
import { z } from '${import.meta.resolve('zod')}'
import { defineScan } from '${new URL('../runtime/define.ts', import.meta.url).href}'
import { Scalar } from '${new URL('../schemas/features.ts', import.meta.url).href}'
import { Bar } from '${new URL('../schemas/market.ts', import.meta.url).href}'
const fragile = defineScan({
  name: 'fragile', version: 1, summary: 'Repeats closes.', input: Bar, output: Scalar,
  params: z.strictObject({}),
  step(_state, { close }) { if (close > 102) throw new Error('too high'); return close },
  example: { params: {}, input: [], output: [] },
})
export default { operators: [fragile] }
`
const rows = Array.from({ length: 400 }, (_, i) => ({
  at: 1_700_000_000_000_000 + i * 500_000,
  key: 'binance:BTCUSDT',
  price: 100 + Math.round(300 * Math.sin(i / 9)) / 100,
  size: 1,
  side: 0,
  id: i,
}))
const folder = folderWith({
  'trades.jsonl': rows.map((row) => `${JSON.stringify(row)}\n`).join(''),
  'btc.yaml': momentum,
  'tidegate.config.ts': config,
  'fragile.yaml': `pipeline: fragile
nodes:
  trades: { source: tape_trades }
  bars: { op: time_bars, from: trades, params: { every: 1s } }
  fragile: { op: fragile, from: bars }
`,
})
const at = (name: string) => join(folder, name)
const json = async (...argv: string[]) => {
  const said = await captured([...argv, '--json'])
  return { code: said.code, stderr: said.stderr, document: said.json<Record<string, unknown>>() }
}

test('both executions give one digest; the document says which one ran, and what each node did', async () => {
  expect((await json('import', 'jsonl_trades', at('trades.jsonl'), '-o', at('trades.tape'))).code).toBe(0)
  const backtest = (...more: string[]) => json('backtest', at('btc.yaml'), '--tape', at('trades.tape'), ...more)
  const [compiled, interpreted] = [await backtest(), await backtest('--execution', 'interpret')]
  expect(compiled.document).toMatchObject({ execution: 'compile', ticks: 400 })
  expect(interpreted.document).toMatchObject({
    execution: 'interpret',
    outputs_sha256: compiled.document['outputs_sha256'],
  })
  expect(compiled.document['nodes']).toContainEqual(
    expect.objectContaining({ node: 'bars', in: 400, late: 0, refused: 0, failed: 0 }),
  )
  expect(await backtest('--execution', 'fast')).toMatchObject({
    code: 2,
    document: { error: { message: '--execution: expected interpret or compile, found "fast"' } },
  })
  expect(await backtest('--execution', 'compile', '--trace', 'bars')).toMatchObject({
    code: 2,
    document: { error: { code: 'USAGE' } },
  })
  expect((await backtest('--trace', 'bars')).document).toMatchObject({ execution: 'interpret' })
})

test('a backtest in which a node threw goes to its end, names it, and has exit code 1', async () => {
  const { code, stderr, document } = await json('backtest', at('fragile.yaml'), '--tape', at('trades.tape'))
  expect(code).toBe(1)
  expect(document).toMatchObject({ ticks: 400, failed: 1 })
  expect(stderr).toMatch(
    /OPERATOR_FAILED: node "fragile" \(fragile\) failed for binance:BTCUSDT at 2023-.*, input row \d+: too high; it is left out/,
  )
})

test('explain --code prints the program, its nodes named', async () => {
  const { code, stdout } = await captured(['explain', at('btc.yaml'), '--code'])
  expect(code).toBe(0)
  expect(stdout).toContain('//   bars: time_bars')
  expect(stdout).toContain('function rows_trades(f, codes, from, to) {')
  expect(stdout).toMatch(/\n {4}\/\/ bars\.trade: time_bars\n/)
  expect((await json('explain', at('btc.yaml'), '--code')).document).toMatchObject({ code: stdout.trimEnd() })
})
