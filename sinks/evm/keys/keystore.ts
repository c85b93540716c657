import { existsSync, lstatSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { TidegateError } from '../../../schemas/errors.ts'
import { Address } from '../hex.ts'
import { addressOfKey, localSigner } from './local_signer.ts'
import { modeOf, readPrivate, troubleOf, writePrivate } from './private_file.ts'
import type { Signer } from './signer.ts'

/** scrypt; the N of Geth takes half a second and 128 MB. */
export interface Cost {
  readonly N: number
  readonly r: number
  readonly p: number
}
const usual: Cost = { N: 131072, r: 8, p: 1 }

/** Loaded when a keystore is opened: it is slow to load, and most who start need none. */
const wallets = () => import('ethers/wallet')

/** A folder of keystore files (version 3), each named by its address. */
export const keystoreFile = (folder: string, address: Address): string => join(folder, `${address}.json`)

/** Encrypts a private key into a new file of mode 0600. @throws KEY_INVALID, FILE_UNWRITABLE where it is there already */
export async function saveKey(
  folder: string,
  private_key: string,
  passphrase: string,
  cost = usual,
): Promise<{ readonly address: Address; readonly file: string }> {
  const address = addressOfKey(private_key)
  if (passphrase === '') throw new TidegateError('KEY_INVALID', 'an empty passphrase protects nothing')
  const file = keystoreFile(folder, address)
  if (existsSync(file)) throw new TidegateError('FILE_UNWRITABLE', `${file} is there already`, { path: file })
  makeFolder(folder)
  const { encryptKeystoreJson } = await wallets()
  const text = await encryptKeystoreJson({ address, privateKey: private_key }, passphrase, { scrypt: cost })
  writePrivate(file, `${text}\n`)
  return { address, file }
}
function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new TidegateError('FILE_UNWRITABLE', `${folder} cannot be made: ${code}`, { path: folder })
  }
}

/** @throws FILE_ABSENT, KEY_UNSAFE, KEY_INVALID for a wrong passphrase, a broken file, or the key of another address */
export async function openKeystore(folder: string, address: Address, passphrase: string): Promise<Signer> {
  const path = keystoreFile(folder, address)
  const text = readPrivate(path)
  const invalid = (why: string) => new TidegateError('KEY_INVALID', `${path}: ${why}`, { path, address })
  const { decryptKeystoreJson, isKeystoreJson } = await wallets()
  if (!isKeystoreJson(text)) throw invalid('it is no keystore of version 3')
  const { privateKey } = await decryptKeystoreJson(text, passphrase).catch((error: unknown) => {
    // The cause is not passed on: what it holds is not ours to show.
    const wrong = (error as { shortMessage?: string }).shortMessage === 'incorrect password'
    throw invalid(wrong ? 'the passphrase is wrong, or the file is damaged' : 'the file is damaged')
  })
  const signer = localSigner(privateKey)
  if (signer.address !== address) throw invalid(`it holds the key of ${signer.address}`)
  return signer
}

export interface StoredKey {
  readonly address: Address
  readonly file: string
  readonly mode: string
  /** Why it would not be opened as it lies there; undefined where nothing is in the way. */
  readonly trouble: string | undefined
}
/** What lies in the folder under the name of an address, in their order; nothing is opened. */
export function storedKeys(folder: string): readonly StoredKey[] {
  const names = existsSync(folder) ? readdirSync(folder).sort() : []
  return names.flatMap((name) => {
    const address = Address.safeParse(name.replace(/\.json$/, ''))
    if (!name.endsWith('.json') || !address.success) return []
    const stats = lstatSync(join(folder, name))
    return [{ address: address.data, file: join(folder, name), mode: modeOf(stats), trouble: troubleOf(stats) }]
  })
}
