import { join } from 'node:path'
import { z } from 'zod'
import type { Clock } from '../../../runtime/define.ts'
import { TidegateError } from '../../../schemas/errors.ts'
import { duration } from '../../../schemas/units.ts'
import { Address } from '../hex.ts'
import { httpSigner } from './external_signer.ts'
import { openKeyFile } from './key_file.ts'
import { openKeystore } from './keystore.ts'
import { passphraseOf } from './passphrase.ts'
import type { Signer } from './signer.ts'

const address = Address.describe('the account that signs: no other key is taken')
const name = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'expected a name of letters, digits and underscores')

/** Who signs, as a definition says it: an address, and where its key is. Never the key. */
export const signerParams = z
  .discriminatedUnion('from', [
    z.strictObject({ from: z.literal('keystore'), address }),
    z.strictObject({
      from: z.literal('key_file'),
      address,
      file: z
        .string()
        .regex(/^[A-Za-z0-9_-][A-Za-z0-9._-]*$/, 'expected the name of a file in the folder of keys')
        .default('keys.env')
        .describe('file of NAME=VALUE lines in the folder of keys'),
      name: name.describe('the line that holds the private key'),
    }),
    z.strictObject({
      from: z.literal('external'),
      address,
      endpoint: z
        .string()
        .regex(/^(?:[a-z][a-z0-9_]*|\$TIDEGATE_[A-Z0-9_]+)$/, 'expected the name of an endpoint or $TIDEGATE_…')
        .describe('the signer: `--endpoint NAME=URL`, or an environment variable'),
      timeout: duration().default(5e6).describe('what one signature may take'),
    }),
  ])
  .describe('who signs, and where the key is')
export type SignerParams = z.output<typeof signerParams>

/** What a signer needs of the world. */
export interface KeyEnvironment {
  readonly clock: Clock
  readonly endpoint: (name: string) => string | undefined
  /** Environment variables that are ours, `TIDEGATE_…`. */
  readonly secret: (name: string) => string | undefined
  /** The home of who runs this. */
  readonly home: string
}

/** The folder of keystores and key files: TIDEGATE_KEYS, or `~/.tidegate/keys`. */
export const keysFolder = ({ secret, home }: Pick<KeyEnvironment, 'secret' | 'home'>): string =>
  secret('TIDEGATE_KEYS') ?? join(home, '.tidegate', 'keys')

/** @throws FILE_ABSENT, KEY_UNSAFE, KEY_INVALID where the key is of another address, ENDPOINT_UNKNOWN */
export async function openSigner(params: SignerParams, environment: KeyEnvironment): Promise<Signer> {
  const signer = await opened(params, environment)
  if (signer.address === params.address) return signer
  const problem = `the key is of ${signer.address}, but the definition names ${params.address}`
  throw new TidegateError('KEY_INVALID', problem, { expected: params.address, found: signer.address })
}

async function opened(params: SignerParams, environment: KeyEnvironment): Promise<Signer> {
  const folder = keysFolder(environment)
  if (params.from === 'key_file') return openKeyFile(join(folder, params.file), params.name)
  if (params.from === 'keystore') {
    const passphrase = passphraseOf(environment.secret)
    if (passphrase !== undefined) return openKeystore(folder, params.address, passphrase)
    const problem = 'no passphrase: set TIDEGATE_KEY_PASSPHRASE, or TIDEGATE_KEY_PASSPHRASE_FILE to a file of mode 0600'
    throw new TidegateError('KEY_INVALID', problem, { address: params.address })
  }
  return httpSigner({ ...params, clock: environment.clock, url: urlOf(params.endpoint, environment) })
}

function urlOf(endpoint: string, { endpoint: given, secret }: KeyEnvironment): string {
  const url = given(endpoint) ?? (endpoint.startsWith('$') ? secret(endpoint.slice(1)) : undefined)
  if (url !== undefined && /^https?:\/\/\S+$/.test(url) && URL.canParse(url)) return url
  const how = endpoint.startsWith('$') ? `set ${endpoint.slice(1)}` : `give --endpoint ${endpoint}=https://…`
  throw new TidegateError('ENDPOINT_UNKNOWN', `the signer ${endpoint} has no address; ${how}`, { endpoint })
}
