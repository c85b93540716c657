import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { operators } from '../../operators/catalogue.ts'
import { check, type ProblemCode, problems } from '../../runtime/check.ts'
import { codes } from '../../schemas/errors.ts'
import { refusals } from '../../schemas/orders.ts'
import { sinks } from '../../sinks/catalogue.ts'
import { sources } from '../../sources/catalogue.ts'
import { captured, folderWith, momentum, removeFolders } from '../describe/captured.ts'
import { problemsOf } from '../describe/error_pages.ts'
import { faults } from '../describe/json_schema_faults.ts'
import { marker } from '../describe/markdown.ts'
import { compareWith, pagesOf } from '../describe/pages.ts'
import { verbs } from '../verbs.ts'

afterAll(removeFolders)

const catalogue = { operators, sources, sinks }
const pages = pagesOf(catalogue, verbs)

test('the pages in the repository are those the code gives: `npm run docs` writes them', () => {
  expect(compareWith('.', pages)).toEqual({ missing: [], stale: [], surplus: [], foreign: [] })
})
test('every error code and every problem code has a page', () => {
  for (const code of [...Object.keys(codes), ...Object.keys(problems), ...Object.keys(refusals)])
    expect(existsSync(`docs/errors/${code}.md`), code).toBe(true)
})
test.each(Object.keys(problems) as ProblemCode[])('the example of %s has that problem and no other', (code) => {
  expect(problemsOf(code, catalogue).map((p) => p.code)).toEqual([code])
})
test('links between pages lead to pages', () => {
  const broken = [...pages].flatMap(([path, text]) =>
    [...text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].flatMap(([, target = '']) => {
      const found = join(path, '..', target)
      return pages.has(found) || existsSync(found) ? [] : [`${path} -> ${target}`]
    }),
  )
  expect(broken).toEqual([])
})
test('writes pages into a folder, and --check finds what is stale, missing or too much', async () => {
  const folder = folderWith({})
  expect((await captured(['docs', folder])).code).toBe(0)
  expect((await captured(['docs', folder, '--check'])).code).toBe(0)
  writeFileSync(join(folder, 'docs/kinds.md'), `old ${marker}`)
  writeFileSync(join(folder, 'docs/operators/gone.md'), `old ${marker}`)
  writeFileSync(join(folder, 'docs/operators/notes.md'), 'by hand')
  rmSync(join(folder, 'docs/cli.md'))
  const { code, json } = await captured(['docs', folder, '--check', '--json'])
  expect(code).toBe(1)
  expect(json()).toMatchObject({
    fresh: false,
    missing: ['docs/cli.md'],
    stale: ['docs/kinds.md'],
    surplus: ['docs/operators/gone.md'],
  })
})
test('never writes over a page that somebody else wrote', async () => {
  const folder = folderWith({ 'docs/README.md': '# By hand' })
  const { code, stderr } = await captured(['docs', folder])
  expect(code).toBe(2)
  expect(stderr).toContain('found files of somebody else: docs/README.md')
  expect(readFileSync(join(folder, 'docs/README.md'), 'utf8')).toBe('# By hand')
})
test('wrong uses have their exit codes', async () => {
  expect((await captured(['docs', 'a', 'b'])).code).toBe(2)
  expect((await captured(['docs', '--chek'])).code).toBe(2)
})

const schema = JSON.parse(readFileSync('schemas/pipeline.schema.json', 'utf8')) as object
test('the schema for editors takes what check takes, examples of all components among it', () => {
  expect(faults(schema, parse(momentum))).toEqual([])
  for (const [path, text] of pages) {
    const [, yaml] = /^## Example\n\n```yaml\n([\s\S]*?)\n```/m.exec(text) ?? []
    if (yaml !== undefined && !path.startsWith('docs/errors'))
      expect(faults(schema, { pipeline: 'example', nodes: parse(yaml) }), path).toEqual([])
  }
})
test.each([
  ['an unknown component', { trend: { op: 'emma', from: 'bars', params: { span: 3 } } }],
  ['a misspelt param', { trend: { op: 'ema', from: 'bars', params: { spn: 3 } } }],
  ['a param out of bounds', { trend: { op: 'ema', from: 'bars', params: { span: 1 } } }],
  ['a missing param', { trend: { op: 'ema', from: 'bars' } }],
  ['an unknown port', { above: { op: 'cross', from: { bars: 'bars' }, latest: { trend: 'trend' } } }],
  ['a missing latest port', { above: { op: 'cross', from: 'bars' } }],
  ['a source that reads', { trades: { source: 'tape_trades', from: 'bars' } }],
  ['an operator that reads nothing', { trend: { op: 'ema', params: { span: 3 } } }],
])('the schema for editors refuses %s, as check does', (_, nodes) => {
  const definition = { pipeline: 'example', nodes }
  expect(faults(schema, definition)).not.toEqual([])
  expect(check(definition, catalogue).problems).not.toEqual([])
})
