import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Address } from '../../sinks/evm/hex.ts'
import { openKeystore } from '../../sinks/evm/keys/keystore.ts'
import { captured, folderWith, removeFolders } from '../describe/captured.ts'

const key = 'ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80'
const address = '0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266' as Address
let folder = ''
beforeEach(() => {
  folder = folderWith({})
  vi.stubEnv('TIDEGATE_KEYS', join(folder, 'keys'))
  vi.stubEnv('TIDEGATE_KEY_PASSPHRASE', 'correct horse')
  vi.stubEnv('TIDEGATE_KEY_PASSPHRASE_FILE', undefined)
})
afterEach(() => vi.unstubAllEnvs())
afterAll(removeFolders)
/** Runs it and sees to it that no word of it holds a secret. */
async function keys(argv: readonly string[], stdin: readonly string[] = []) {
  const said = await captured(['keys', ...argv], stdin)
  for (const secret of [key, key.toUpperCase(), 'correct horse'])
    expect(said.stdout + said.stderr).not.toContain(secret)
  return said
}
const refused = async (argv: readonly string[], stdin: readonly string[] = []) => {
  const { code, json } = await keys([...argv, '--json'], stdin)
  return { exit: code, ...json<{ error: { code: string; message: string } }>().error }
}

test('a new key is a keystore that its passphrase opens', async () => {
  const { code, json } = await keys(['new', '--json'])
  const made = json<{ address: Address; file: string; mode: string }>()
  expect([code, made.mode, made.file]).toEqual([0, '600', join(folder, 'keys', `${made.address}.json`)])
  expect((await openKeystore(join(folder, 'keys'), made.address, 'correct horse')).address).toBe(made.address)
  expect((await keys(['new', '--json'])).json<{ address: string }>().address).not.toBe(made.address)
  expect((await keys(['list', '--json'])).json<{ keys: unknown[] }>().keys).toHaveLength(2)
})

test('a key is taken from standard input or a private file, shown and listed without it', async () => {
  expect((await keys(['import', '--json'], [`0x${key}`])).json()).toMatchObject({ address, mode: '600' })
  expect(await refused(['import'], [key])).toMatchObject({ code: 'FILE_UNWRITABLE' })
  const file = join(folder, 'key.txt')
  writeFileSync(file, `${key}\n`, { mode: 0o600 })
  const elsewhere = join(folder, 'elsewhere')
  expect((await keys(['import', '--file', file, '--keys', elsewhere])).stdout).toContain(address)
  chmodSync(file, 0o644)
  expect(await refused(['import', '--file', file, '--keys', join(folder, 'third')])).toMatchObject({
    exit: 5,
    code: 'KEY_UNSAFE',
  })
  expect((await keys(['show', address])).stdout).toContain('mode     600')
  expect((await keys(['list'])).stdout).toContain(address)
  chmodSync(join(folder, 'keys', `${address}.json`), 0o644)
  expect((await keys(['show', address, '--json'])).json()).toMatchObject({
    mode: '644',
    trouble: expect.stringContaining('may be read by others'),
  })
})

test('no key is taken as an argument, and what was typed is not repeated', async () => {
  for (const argv of [
    ['import', `0x${key}`],
    ['new', key],
    [`0x${key}`],
    ['show', `0x${key}`],
    ['import', `--key=${key}`],
  ])
    expect([argv[0], await refused(argv)]).toMatchObject([argv[0], { exit: 2, code: 'USAGE' }])
})

test('wrong uses say what is missing', async () => {
  expect(await refused(['import'])).toMatchObject({ code: 'USAGE' })
  expect(await refused(['import'], [key.slice(1)])).toMatchObject({ code: 'KEY_INVALID', exit: 3 })
  expect(await refused(['show', address])).toMatchObject({ code: 'FILE_ABSENT' })
  expect((await keys(['list'])).stdout).toContain('holds no keys')
  vi.stubEnv('TIDEGATE_KEY_PASSPHRASE', undefined)
  expect(await refused(['new'])).toMatchObject({ code: 'USAGE', message: expect.stringContaining('no passphrase') })
  writeFileSync(join(folder, 'pass'), 'correct horse\n', { mode: 0o600 })
  vi.stubEnv('TIDEGATE_KEY_PASSPHRASE_FILE', join(folder, 'pass'))
  expect((await keys(['import'], [key])).code).toBe(0)
  expect((await openKeystore(join(folder, 'keys'), address, 'correct horse')).address).toBe(address)
})

const script = spawnSync('script', ['--version']).status === 0
test.skipIf(!script)(
  'on a terminal the passphrase is asked for twice and not shown',
  async () => {
    vi.stubEnv('TIDEGATE_KEY_PASSPHRASE', undefined)
    const verb = `${process.execPath} --import tsx cli/main.ts keys new`
    const terminal = spawn('script', ['-qec', verb, '/dev/null'], { stdio: ['pipe', 'pipe', 'ignore'] })
    const typed = [['passphrase: ', 'correct hoar\u007f\u007frse\r'] as const, ['again: ', 'correct horse\r'] as const]
    let shown = ''
    for await (const chunk of terminal.stdout) {
      shown += String(chunk)
      const [question, answer] = typed[0] ?? []
      if (question === undefined || !shown.includes(question)) continue
      terminal.stdin.write(answer)
      typed.shift()
    }
    expect(shown).toContain('mode     600')
    expect(shown).not.toMatch(/horse|hoar/)
  },
  60_000,
)
