import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { wallClock } from '../../../runtime/clock.ts'
import { saveKey } from './keystore.ts'
import { addressOfKey } from './local_signer.ts'
import { openSigner, signerParams } from './open_signer.ts'

const key = '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80'
const address = addressOfKey(key)
const other = addressOfKey(`0x${'5'.repeat(64)}`)
let home = ''
const folder = () => join(home, '.tidegate', 'keys')
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'tidegate-home-'))
  await saveKey(folder(), key, 'horse', { N: 2, r: 1, p: 1 })
  writeFileSync(join(folder(), 'keys.env'), `TRADER=${key}\n`, { mode: 0o600 })
})
afterAll(() => rmSync(home, { recursive: true }))
const open = async (given: unknown, secrets: Record<string, string> = {}, endpoints: Record<string, string> = {}) =>
  openSigner(signerParams.parse(given), {
    ...{ clock: wallClock, home },
    endpoint: (name) => endpoints[name],
    secret: (name) => secrets[name],
  })
const passphrase = { TIDEGATE_KEY_PASSPHRASE: 'horse' }

test('a keystore, a key file and a signer outside are opened as a definition names them', async () => {
  const named = [
    await open({ from: 'keystore', address }, passphrase),
    await open({ from: 'keystore', address: address.toUpperCase().replace('0X', '0x') }, passphrase),
    await open({ from: 'key_file', address, name: 'TRADER' }),
    await open({ from: 'key_file', address, name: 'TRADER' }, { TIDEGATE_KEYS: folder() }),
    await open({ from: 'external', address, endpoint: 'kms' }, {}, { kms: 'http://127.0.0.1:1/' }),
    await open({ from: 'external', address, endpoint: '$TIDEGATE_KMS' }, { TIDEGATE_KMS: 'https://a.example/' }),
  ]
  for (const signer of named) expect(signer.address).toBe(address)
})

test.each<[string, unknown, Record<string, string>, string]>([
  ['no passphrase', { from: 'keystore', address }, {}, 'KEY_INVALID'],
  ['a wrong one', { from: 'keystore', address }, { TIDEGATE_KEY_PASSPHRASE: 'mule' }, 'KEY_INVALID'],
  ['no such key', { from: 'keystore', address: other }, passphrase, 'FILE_ABSENT'],
  ['another folder', { from: 'keystore', address }, { ...passphrase, TIDEGATE_KEYS: '/nowhere' }, 'FILE_ABSENT'],
  ['another address', { from: 'key_file', address: other, name: 'TRADER' }, {}, 'KEY_INVALID'],
  ['no such line', { from: 'key_file', address, name: 'NOBODY' }, {}, 'KEY_INVALID'],
  ['no such file', { from: 'key_file', address, file: 'none.env', name: 'TRADER' }, {}, 'FILE_ABSENT'],
  ['no such endpoint', { from: 'external', address, endpoint: 'kms' }, {}, 'ENDPOINT_UNKNOWN'],
  [
    'an address that is none',
    { from: 'external', address, endpoint: '$TIDEGATE_K' },
    { TIDEGATE_K: 'ftp://a' },
    'ENDPOINT_UNKNOWN',
  ],
])('%s is a coded error', async (_what, given, secrets, code) => {
  await expect(open(given, secrets)).rejects.toMatchObject({ code })
})

test.each([
  ['a key in the place of a name', { from: 'key_file', address, name: key }],
  ['a file elsewhere', { from: 'key_file', address, name: 'A', file: '../keys.env' }],
  ['an address of a signer', { from: 'external', address, endpoint: 'https://a.example/token' }],
  ['no address', { from: 'keystore' }],
])('a definition cannot hold %s', (_what, given) => {
  expect(signerParams.safeParse(given).success).toBe(false)
})
