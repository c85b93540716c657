import { TidegateError } from '../../../schemas/errors.ts'
import { localSigner } from './local_signer.ts'
import { readPrivate } from './private_file.ts'
import type { Signer } from './signer.ts'

/**
 * Reads lines of NAME=VALUE from a file that only we can read. Values are taken as they stand: no quotes, no variables.
 * Messages name lines, never what is in them. @throws FILE_ABSENT, KEY_UNSAFE, KEY_INVALID
 */
export function readKeyFile(path: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>()
  for (const [index, line] of readPrivate(path).split(/\r?\n/).entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue
    const { name, value } = /^(?<name>[A-Za-z_][A-Za-z0-9_]*)=(?<value>[^\s'"]+)$/.exec(line)?.groups ?? {}
    const trouble = name === undefined ? 'expected NAME=VALUE without spaces or quotes' : 'its name is there already'
    if (name === undefined || value === undefined || values.has(name))
      throw new TidegateError('KEY_INVALID', `${path}, line ${index + 1}: ${trouble}`, { path, line: index + 1 })
    values.set(name, value)
  }
  return values
}

/** @throws FILE_ABSENT, KEY_UNSAFE, KEY_INVALID where the name is not in the file or its value is no private key */
export function openKeyFile(path: string, name: string): Signer {
  const value = readKeyFile(path).get(name)
  if (value === undefined) throw new TidegateError('KEY_INVALID', `${path} has no ${name}`, { path, name })
  return localSigner(value.startsWith('0x') ? value : `0x${value}`)
}
