import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { Wallet } from 'ethers'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { keystoreFile, openKeystore, saveKey, storedKeys } from './keystore.ts'
import { addressOfKey } from './local_signer.ts'

const key = '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80'
const address = addressOfKey(key)
/** Fast, and no safer than a test must be. */
const cheap = { N: 2, r: 1, p: 1 }
let folder = ''
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'tidegate-keys-')), 'keys')
})
afterEach(() => rmSync(join(folder, '..'), { recursive: true }))
const failure = async (work: Promise<unknown>): Promise<unknown> => {
  const error = await work.then(
    () => 'no failure',
    (thrown: unknown) => thrown,
  )
  for (const secret of [key.slice(2), 'right horse', 'wrong horse'])
    expect(inspect(error, { depth: 9 })).not.toContain(secret)
  return error
}

test('a key is kept encrypted in a file that only we can read, and signs again', async () => {
  const saved = await saveKey(folder, key, 'right horse')
  expect(saved).toEqual({ address, file: keystoreFile(folder, address) })
  expect([statSync(folder).mode & 0o777, statSync(saved.file).mode & 0o777]).toEqual([0o700, 0o600])
  const text = readFileSync(saved.file, 'utf8')
  expect(text).not.toContain(key.slice(2))
  expect(JSON.parse(text)).toMatchObject({ version: 3, Crypto: { kdf: 'scrypt', kdfparams: { n: 131072 } } })
  const signer = await openKeystore(folder, address, 'right horse')
  expect(signer.address).toBe(address)
  const digest = new Uint8Array(32).fill(9)
  expect((await signer.sign(digest)).r).toBe(new Wallet(key).signingKey.sign(digest).r)
  expect(storedKeys(folder)).toEqual([{ address, file: saved.file, mode: '600', trouble: undefined }])
})

test('a wrong passphrase, a broken file and another key are KEY_INVALID', async () => {
  const { file } = await saveKey(folder, key, 'right horse', cheap)
  expect(await failure(openKeystore(folder, address, 'wrong horse'))).toMatchObject({
    code: 'KEY_INVALID',
    message: expect.stringContaining('passphrase is wrong'),
  })
  const other = addressOfKey(`0x${'3'.repeat(64)}`)
  writeFileSync(keystoreFile(folder, other), readFileSync(file), { mode: 0o600 })
  expect(await failure(openKeystore(folder, other, 'right horse'))).toMatchObject({
    code: 'KEY_INVALID',
    message: expect.stringContaining(`holds the key of ${address}`),
  })
  const whole = readFileSync(file, 'utf8')
  for (const broken of [
    '',
    'no json',
    '{}',
    whole.slice(0, 200),
    whole.replace(/"ciphertext":"../, '"ciphertext":"zz'),
  ]) {
    writeFileSync(file, broken)
    expect(await failure(openKeystore(folder, address, 'right horse'))).toMatchObject({ code: 'KEY_INVALID' })
  }
  expect(await failure(openKeystore(join(folder, 'none'), address, 'right horse'))).toMatchObject({
    code: 'FILE_ABSENT',
  })
})

test.each([0o640, 0o604, 0o660, 0o700])('a file of mode %o is KEY_UNSAFE, and listed as such', async (mode) => {
  const { file } = await saveKey(folder, key, 'right horse', cheap)
  chmodSync(file, mode)
  expect(await failure(openKeystore(folder, address, 'right horse'))).toMatchObject({ code: 'KEY_UNSAFE', exit: 5 })
  expect(storedKeys(folder)[0]?.trouble).toContain(`mode is ${mode.toString(8)}`)
  chmodSync(file, 0o400)
  expect((await openKeystore(folder, address, 'right horse')).address).toBe(address)
})

test('no file is overwritten, no passphrase is empty', async () => {
  const { file } = await saveKey(folder, key, 'right horse', cheap)
  const before = readFileSync(file, 'utf8')
  expect(await failure(saveKey(folder, key, 'wrong horse', cheap))).toMatchObject({ code: 'FILE_UNWRITABLE' })
  expect(readFileSync(file, 'utf8')).toBe(before)
  expect(await failure(saveKey(folder, `0x${'4'.repeat(64)}`, '', cheap))).toMatchObject({ code: 'KEY_INVALID' })
  expect(storedKeys(folder)).toHaveLength(1)
})
