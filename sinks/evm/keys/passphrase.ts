import { TidegateError } from '../../../schemas/errors.ts'
import { readPrivate } from './private_file.ts'

/**
 * The passphrase of keystores: TIDEGATE_KEY_PASSPHRASE, or the first line of the file TIDEGATE_KEY_PASSPHRASE_FILE names,
 * which only we may read. Undefined where neither is set. @throws FILE_ABSENT, KEY_UNSAFE, KEY_INVALID where both are
 */
export function passphraseOf(secret: (name: string) => string | undefined): string | undefined {
  const given = secret('TIDEGATE_KEY_PASSPHRASE')
  const file = secret('TIDEGATE_KEY_PASSPHRASE_FILE')
  if (given !== undefined && file !== undefined)
    throw new TidegateError('KEY_INVALID', 'TIDEGATE_KEY_PASSPHRASE and TIDEGATE_KEY_PASSPHRASE_FILE are both set')
  return file === undefined ? given : readPrivate(file).split(/\r?\n/)[0]
}
