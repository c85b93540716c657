import { randomBytes } from 'node:crypto'
import { homedir } from 'node:os'
import { secretName } from '../../runtime/environment/secret.ts'
import { TidegateError } from '../../schemas/errors.ts'
import { Address } from '../../sinks/evm/hex.ts'
import { type StoredKey, saveKey, storedKeys } from '../../sinks/evm/keys/keystore.ts'
import { keysFolder } from '../../sinks/evm/keys/open_signer.ts'
import { passphraseOf } from '../../sinks/evm/keys/passphrase.ts'
import { readPrivate } from '../../sinks/evm/keys/private_file.ts'
import { table } from '../describe/table.ts'
import { hiddenLine } from '../hidden_line.ts'
import type { Args, Context, Verb } from '../verb.ts'

export const keysVerb: Verb = {
  name: 'keys',
  summary: 'Makes, takes in and lists the keys that sign transactions: encrypted files (keystore version 3).',
  form: 'new | import | show ADDRESS | list',
  positionals: { min: 1, max: 2 },
  options: {
    keys: {
      type: 'string',
      value: 'DIR',
      help: 'the folder of keys; TIDEGATE_KEYS, or ~/.tidegate/keys, unless named',
    },
    file: { type: 'string', value: 'FILE', help: 'import: a file of mode 0600 that holds the private key alone' },
  },
  notes:
    'A private key or a passphrase is never an argument: others can read those. `import` reads the private key (0x and 64 hexadecimal digits) from standard input, or from --file. The passphrase is TIDEGATE_KEY_PASSPHRASE, or the first line of the file (mode 0600) that TIDEGATE_KEY_PASSPHRASE_FILE names, or is asked for on a terminal. Files are written once, with mode 0600, and never over another. No verb shows a private key.',
  async run(args, context) {
    const [action, what] = args.positionals
    const secret = (name: string) => (secretName.test(name) ? context.environment[name] : undefined)
    const folder = args.value('keys') ?? keysFolder({ secret, home: context.environment['HOME'] ?? homedir() })
    if (what !== undefined && action !== 'show')
      throw new TidegateError(
        'USAGE',
        'keys takes no key as an argument: others can read it there; use another key now',
      )
    if (action === 'new') return shown(await save(folder, randomKey(), secret), context)
    if (action === 'import') return shown(await save(folder, await givenKey(args, context), secret), context)
    if (action === 'list') return listed(folder, context)
    if (action === 'show') return shown(found(folder, what), context)
    // What was typed is not repeated: it may be a key.
    throw new TidegateError('USAGE', 'keys: expected new, import, show or list')
  },
}

/** 0 and what is beyond the order of the curve would be refused; neither ever comes. */
const randomKey = (): string => `0x${randomBytes(32).toString('hex')}`

async function givenKey(args: Args, { io }: Context): Promise<string> {
  const file = args.value('file')
  if (file !== undefined) return normal(readPrivate(file))
  if (process.stdin.isTTY) return normal(await asked('private key: '))
  for await (const line of io.stdin()) return normal(line)
  throw new TidegateError('USAGE', 'keys import: expected a private key on standard input')
}
const normal = (text: string): string => (text.trim().startsWith('0x') ? text.trim() : `0x${text.trim()}`)

async function save(
  folder: string,
  private_key: string,
  secret: (name: string) => string | undefined,
): Promise<StoredKey> {
  const passphrase = passphraseOf(secret) ?? (await chosen())
  const { address } = await saveKey(folder, private_key, passphrase)
  return found(folder, address)
}
async function chosen(): Promise<string> {
  if (!process.stdin.isTTY)
    throw new TidegateError(
      'USAGE',
      'keys: no passphrase; set TIDEGATE_KEY_PASSPHRASE, or TIDEGATE_KEY_PASSPHRASE_FILE to a file of mode 0600',
    )
  const first = await asked('passphrase: ')
  if (first === (await asked('passphrase again: '))) return first
  throw new TidegateError('USAGE', 'keys: the two passphrases differ; nothing was written')
}
async function asked(question: string): Promise<string> {
  const line = await hiddenLine(question, { input: process.stdin, output: process.stderr })
  if (line !== undefined) return line
  throw new TidegateError('USAGE', 'keys: given up; nothing was written')
}

function found(folder: string, what: string | undefined): StoredKey {
  const address = Address.safeParse(what)
  if (!address.success) throw new TidegateError('USAGE', 'keys show: expected an address, 0x and 40 hexadecimal digits')
  const key = storedKeys(folder).find((stored) => stored.address === address.data)
  if (key !== undefined) return key
  throw new TidegateError('FILE_ABSENT', `${folder} holds no key of ${address.data}`, { folder, address: address.data })
}

const document = ({ address, file, mode, trouble }: StoredKey) => ({ address, file, mode, trouble: trouble ?? null })
function shown(key: StoredKey, { io }: Context): void {
  const trouble = key.trouble === undefined ? '' : `\ntrouble  ${key.trouble}`
  io.document(document(key), () => `address  ${key.address}\nfile     ${key.file}\nmode     ${key.mode}${trouble}`)
}
function listed(folder: string, { io }: Context): void {
  const keys = storedKeys(folder)
  io.document({ folder, keys: keys.map(document) }, () =>
    keys.length === 0
      ? `${folder} holds no keys`
      : table(
          ['address', 'mode', 'file', 'trouble'],
          keys.map((k) => [k.address, k.mode, k.file, k.trouble ?? '']),
        ),
  )
}
