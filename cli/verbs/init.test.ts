import { type ExecFileSyncOptionsWithStringEncoding, execFileSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { captured, folderWith, removeFolders } from '../describe/captured.ts'
import { packageName } from '../project/files.ts'

afterAll(removeFolders)

const project = join(folderWith({}), 'My project')
const options: ExecFileSyncOptionsWithStringEncoding = {
  cwd: project,
  encoding: 'utf8',
  stdio: ['ignore', 'pipe', 'pipe'],
}
const npm = (...args: string[]) => execFileSync('npm', ['--silent', ...args], options)

/** Lays the package into the project as an installation would: built, with the packages it needs beside it. */
function install(): void {
  const modules = join(project, 'node_modules')
  const own = join(modules, 'tidegate')
  mkdirSync(join(modules, '.bin'), { recursive: true })
  execFileSync(process.execPath, [
    'node_modules/ts7/bin/tsc',
    '-p',
    'tsconfig.build.json',
    '--outDir',
    join(own, 'dist'),
    '--incremental',
    'false',
    '--tsBuildInfoFile',
    'null',
  ])
  copyFileSync('package.json', join(own, 'package.json'))
  for (const name of readdirSync('node_modules'))
    if (!name.startsWith('.')) symlinkSync(join(process.cwd(), 'node_modules', name), join(modules, name))
  chmodSync(join(own, 'dist/cli/main.js'), 0o755)
  symlinkSync('../tidegate/dist/cli/main.js', join(modules, '.bin/tidegate'))
}

beforeAll(async () => {
  const { code, json } = await captured(['init', project, '--json'])
  expect(code).toBe(0)
  expect(json<{ files: string[] }>().files).toContain('pipelines/btc_momentum.test.yaml')
  install()
})

test('a project made by a checkout depends on the checkout, for no registry has it', () => {
  const { dependencies } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as {
    dependencies: Readonly<Record<string, string>>
  }
  expect(dependencies['tidegate']).toBe(`file:${process.cwd()}`)
})
test('the definitions of a new project are right', () => {
  expect(npm('run', 'check')).toMatch(/btc_momentum is right: 9 nodes[\s\S]*btc_mid_range is right: 9 nodes/)
})
test('its tests pass, those of the pipelines and those of its own operator', () => {
  const said = npm('test')
  expect(said).not.toContain('FAIL')
  expect(said).toMatch(/# pass 3/)
})
test('its backtest runs on an invented market, and gives the same twice', () => {
  const [once, again] = [0, 1].map(
    () =>
      JSON.parse(npm('run', 'backtest', '--', '--json')) as { ticks: number; orders: number; outputs_sha256: string },
  )
  expect(once?.ticks).toBeGreaterThan(1000)
  expect(once?.orders).toBeGreaterThan(0)
  expect(again?.outputs_sha256).toBe(once?.outputs_sha256)
})
test('its own operator is in the catalogue', () => {
  const [answer] = execFileSync('npx', ['tidegate', 'drive', 'mid_range', '--params', '{"span":1}'], {
    ...options,
    stdio: ['pipe', 'pipe', 'pipe'],
    input: '{"close":10}\n',
  }).split('\n')
  expect(JSON.parse(answer ?? '')).toMatchObject({ answer: 10 })
})
test('it has no type errors', () => {
  execFileSync(process.execPath, [join(process.cwd(), 'node_modules/ts7/bin/tsc'), '-p', project])
})

test('a folder that holds something is refused, and so is a file', async () => {
  const { code, stderr } = await captured(['init', project])
  expect(code).toBe(2)
  expect(stderr).toContain('expected an empty directory, found')
  expect((await captured(['init', 'package.json'])).code).toBe(2)
  expect((await captured(['init'])).code).toBe(2)
})
test('names of folders become names npm takes', () => {
  expect([packageName('/a/My project'), packageName('x_1'), packageName('/a/--')]).toEqual([
    'my-project',
    'x_1',
    'pipelines',
  ])
})
