import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { captured, folderWith, momentum, removeFolders } from '../describe/captured.ts'

afterAll(removeFolders)

const folder = folderWith({
  'good.yaml': momentum,
  'good.ts': `import { pipeline } from '${process.cwd()}/runtime/pipeline.ts'
import { ema } from '${process.cwd()}/operators/feature/ema.ts'
import { tapeBars } from '${process.cwd()}/sources/tape/bars.ts'
export default pipeline('drawn', (p) => { p.via('trend', p.source('bars', tapeBars({})), ema({ span: 3 })) })
`,
  'good.json': '{"pipeline": "plain", "nodes": {"bars": {"source": "tape_bars"}}}',
  'bad.yaml': `pipeline: bad
nodes:
  trades: { source: binance_trades, params: { symbols: [BTCUSDT] } }
  bars:
    op: time_bars
    from: trade
    params: { evry: 1m }
  trend: { op: emma, from: bars }
`,
  'broken.yaml': 'pipeline: [',
  'alias.yaml': 'pipeline: *nowhere',
  'bomb.yaml': `a: &a [x, x, x, x, x, x, x, x, x]\n${[...'bcdefghi'].map((c, i) => `${c}: &${c} [${Array(9).fill(`*${'abcdefgh'[i]}`).join()}]`).join('\n')}`,
  'empty.yaml': '',
})
const at = (name: string) => join(folder, name)

test('says that a definition is right, whatever its form', async () => {
  for (const file of ['good.yaml', 'good.ts', 'good.json']) {
    const { code, json } = await captured(['check', at(file), '--json'])
    expect(json()).toMatchObject({ ok: true, problems: [], hash: expect.stringMatching(/^[0-9a-f]{64}$/) })
    expect(code).toBe(0)
  }
})
test('lists all problems with path, code, place and what was meant, and exits with 3', async () => {
  const { code, json, stderr } = await captured(['check', at('bad.yaml'), '--json'])
  expect(code).toBe(3)
  expect(json()).toEqual({
    ok: false,
    file: at('bad.yaml'),
    hash: null,
    problems: [
      { code: 'PARAM_INVALID', path: 'nodes.bars.params.every', message: 'is missing', place: '7:5' },
      {
        code: 'PARAM_INVALID',
        path: 'nodes.bars.params.evry',
        message: 'unrecognised param; did you mean "every"?',
        suggestion: 'every',
        place: '7:15',
      },
      {
        code: 'COMPONENT_UNKNOWN',
        path: 'nodes.trend.op',
        message: 'nothing named "emma"; did you mean "ema"?',
        suggestion: 'ema',
        place: '8:12',
      },
      {
        code: 'EDGE_UNKNOWN',
        path: 'nodes.bars.from',
        message: 'no edge "trade"; did you mean "trades"?',
        suggestion: 'trades',
        place: '6:5',
      },
    ],
  })
  expect(stderr).toContain('has 4 problems')
})
test('takes overrides, and refuses those that fit no node', async () => {
  const plain = (await captured(['check', at('good.yaml'), '--json'])).json<{ hash: string }>()
  const other = (await captured(['check', at('good.yaml'), '--set', 'trend.span=5', '--json'])).json<{ hash: string }>()
  expect(other.hash).not.toBe(plain.hash)
  expect((await captured(['check', at('good.yaml'), '--set', 'trnd.span=5'])).code).toBe(2)
  expect((await captured(['check', at('good.yaml'), '--set', 'constructor.span=5'])).code).toBe(2)
})
test('an override that is no YAML is wrong usage; one of a file that holds nothing is of no definition', async () => {
  const broken = await captured(['check', at('good.yaml'), '--set', 'trend.span=[1'])
  expect(broken.code).toBe(2)
  expect(broken.stderr).toContain('USAGE: --set trend.span=[1: ')
  const empty = await captured(['check', at('empty.yaml'), '--set', 'trend.span=1'])
  expect(empty.code).toBe(3)
  expect(empty.stderr).toContain('expected a pipeline, found an empty document')
})
test('files that are absent or cannot be read have codes of their own', async () => {
  expect((await captured(['check', at('none.yaml')])).code).toBe(4)
  const broken = await captured(['check', at('broken.yaml')])
  expect(broken.code).toBe(3)
  expect(broken.stderr).toContain('DEFINITION_UNREADABLE')
  for (const file of ['alias.yaml', 'bomb.yaml']) {
    const { code, stderr } = await captured(['check', at(file)])
    expect(code).toBe(3)
    expect(stderr).toMatch(/^DEFINITION_UNREADABLE: .*alias/i)
  }
})
