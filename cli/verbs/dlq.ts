import { readFileSync } from 'node:fs'
import { DeadLetters, type Letter } from '../../runtime/cluster/dead_letters.ts'
import { isTidegateError, TidegateError } from '../../schemas/errors.ts'
import { natsOptions, withCluster } from '../cluster.ts'
import { table } from '../describe/table.ts'
import type { Args, Io, Verb } from '../verb.ts'

export const dlqVerb: Verb = {
  name: 'dlq',
  summary: 'Lists, shows and redrives input records that could not be read (dead letters).',
  form: 'ls [PIPELINE] | show LETTER | redrive LETTER|all',
  positionals: { min: 1, max: 2 },
  options: {
    ...natsOptions,
    record: { type: 'string', value: 'FILE', help: 'redrive these bytes, repaired, in place of the record' },
  },
  notes:
    'A pipeline that meets a damaged record leaves it out, commits that it did, and goes on. `redrive` puts it at the end of its stream again; with --record what was repaired.',
  async run(args, context) {
    const [action = '', what] = args.positionals
    const record = repaired(args)
    if (record !== undefined && (action !== 'redrive' || what === 'all'))
      throw new TidegateError('USAGE', '--record: expected with `redrive LETTER`, for it stands in place of one record')
    await withCluster(args, context, 'operator', async (cluster) => {
      const letters = await DeadLetters.open(cluster)
      if (action === 'ls') {
        const all = letters.waiting(what)
        // letters outlive what they were written by
        if (all.length === 0 && what !== undefined) await cluster.definitions.require(what)
        const shown = all.map(({ record, ...letter }) => ({ ...letter, bytes: record === null ? 0 : sizeOf(record) }))
        context.io.document({ letters: shown }, () =>
          all.length === 0
            ? 'no dead letter'
            : table(['letter', 'pipeline', 'stream', 'record', 'code', 'reason'], all.map(rowOf)),
        )
      } else if (action === 'show') {
        const letter = only(letters, what)
        context.io.document(letter, () => show(letter))
      } else if (action === 'redrive') {
        const redriven =
          what === 'all' ? await redriveAll(letters, context.io) : [await redrive(letters, only(letters, what), record)]
        context.io.document({ redriven }, () =>
          redriven.length === 0
            ? 'no dead letter'
            : redriven.map((r) => `letter ${r.letter} is record ${r.seq} of ${r.stream} now`).join('\n'),
        )
      } else throw new TidegateError('USAGE', `dlq: expected ls, show or redrive, found "${action}"`)
    })
  },
}

type Redriven = { readonly letter: number; readonly stream: string; readonly seq: number }
const redrive = async (letters: DeadLetters, letter: Letter, record?: Uint8Array): Promise<Redriven> => ({
  ...{ letter: letter.letter, stream: letter.stream },
  seq: await letters.redrive(letter, record),
})
/** Records of a stream go in the order in which they stood, whichever pipeline met them first; what cannot go holds up none. */
async function redriveAll(letters: DeadLetters, io: Pick<Io, 'say'>): Promise<readonly Redriven[]> {
  const redriven: Redriven[] = []
  for (const letter of letters.waiting().toSorted((a, b) => a.seq - b.seq))
    try {
      redriven.push(await redrive(letters, letter))
    } catch (error) {
      if (!isTidegateError(error) || error.code !== 'LOG_LOST') throw error
      io.say(`letter ${letter.letter} is left: ${error.message}`)
    }
  return redriven
}
function only(letters: DeadLetters, what: string | undefined): Letter {
  const all = letters.waiting()
  const found = all.find(({ letter }) => letter === Number(what))
  if (found !== undefined) return found
  const known = all.map(({ letter }) => letter).join(', ')
  throw new TidegateError('USAGE', `expected a letter (${known || 'there is none'}), found "${what ?? ''}"`)
}
const repaired = (args: Args): Uint8Array | undefined => {
  const file = args.value('record')
  if (file === undefined) return undefined
  try {
    return readFileSync(file)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new TidegateError('FILE_ABSENT', `--record ${file} could not be read: ${why}`, { file }, error)
  }
}
const sizeOf = (base64: string): number => Buffer.from(base64, 'base64').byteLength
const rowOf = (l: Letter) => [l.letter, l.pipeline, l.stream, l.seq, l.code, l.reason]
const show = ({ record, ...letter }: Letter): string =>
  [
    ...Object.entries(letter).map(([field, value]) => `${field.padEnd(9)} ${value}`),
    `record    ${record === null ? 'not kept' : `${sizeOf(record)} bytes: ${Buffer.from(record, 'base64').subarray(0, 64).toString('hex')}...`}`,
  ].join('\n')
