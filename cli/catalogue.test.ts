import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { captured, folderWith, momentum, removeFolders } from './describe/captured.ts'

afterAll(removeFolders)
const emaFile = fileURLToPath(new URL('../operators/feature/ema.ts', import.meta.url))

const check = async (config: string) => {
  const folder = folderWith({ 'btc.yaml': momentum, 'tidegate.config.ts': config })
  const { code, stderr } = await captured(['check', join(folder, 'btc.yaml')])
  return { code, stderr }
}

test.each([
  ['does not parse', 'export default {{', 'tidegate.config.ts'],
  ['imports what is not there', `import x from './nope.ts'\nexport default { operators: [x] }`, 'nope.ts'],
  ['throws', `throw new Error('not today')`, 'not today'],
  ['exports no object', 'export default 3', 'default export'],
  ['has a misspelt list', 'export default { operatrs: [] }', 'did you mean "operators"?'],
  ['lists what is no component', 'export default { operators: [{ name: 1 }] }', 'operators[0]'],
  [
    'takes the name of what is built in',
    `import { ema } from '${emaFile}'\nexport default { operators: [ema] }`,
    'operators[0]: the operator "ema" is built in',
  ],
  [
    'has one name twice',
    `import { ema } from '${emaFile}'
const mine = { ...ema, definition: { ...ema.definition, name: 'mine' } }
export default { operators: [mine, mine] }`,
    'operators[1]: the operator "mine" is there twice',
  ],
  ['has no list', 'export default { operators: {} }', 'operators: expected a list'],
])('a tidegate.config that %s is CONFIG_INVALID', async (_what, config, words) => {
  const { code, stderr } = await check(config)
  expect(stderr).toMatch(/^CONFIG_INVALID: .*tidegate\.config\.ts: /)
  expect(stderr).toContain(words)
  expect(code).toBe(3)
})

test('a tidegate.config that adds nothing is right', async () => {
  expect(await check('export default {}')).toMatchObject({ code: 0 })
})
