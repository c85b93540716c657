import { toJson } from '../../runtime/json.ts'
import { openTape } from '../../runtime/tape.ts'
import { TidegateError } from '../../schemas/errors.ts'
import { decodeFrame } from '../../schemas/frame.ts'
import { rowReader } from '../../schemas/frame_reader.ts'
import type { Kind } from '../../schemas/kind.ts'
import { kinds } from '../../schemas/kinds.ts'
import { formatTime } from '../../schemas/units.ts'
import { numberOption } from '../args.ts'
import type { Args, Io, Verb } from '../verb.ts'

export const tapeVerb: Verb = {
  name: 'tape',
  summary: 'Checks a tape and tells what it holds, or writes its rows as JSON lines.',
  form: 'info|export TAPE',
  positionals: { min: 2, max: 2 },
  options: { limit: { type: 'string', value: 'N', help: 'export: the first N rows only' } },
  notes:
    '`info` reads everything: checksums, columns and counts. `export` writes lines that `import jsonl_trades` (or _quotes, _bars) reads back.',
  async run(args, { io }) {
    const [what, file = ''] = args.positionals
    if (what === 'info') return info(file, io)
    if (what === 'export') return exportRows(file, args, io)
    throw new TidegateError('USAGE', `expected: tidegate tape info|export TAPE; found "${what}"`)
  },
}

function info(file: string, io: Io): void {
  const tape = openTape(file)
  const { rows, frames, kinds: held, keys, from, to } = tape.verify()
  const times = { from: from === null ? null : formatTime(from), to: to === null ? null : formatTime(to) }
  io.document({ tape: file, sound: true, rows, frames, kinds: held, keys, ...times }, () =>
    [
      `${file}: sound`,
      `  ${rows.toLocaleString('en')} rows in ${frames.toLocaleString('en')} frames: ${Object.entries(held)
        .map(([kind, n]) => `${n.toLocaleString('en')} ${kind}`)
        .join(', ')}`,
      `  ${keys.join(', ')}`,
      `  ${times.from === null ? 'empty' : `${times.from} to ${times.to}`}`,
    ].join('\n'),
  )
}

function exportRows(file: string, args: Args, io: Io): void {
  const limit = numberOption(args, 'limit') ?? Number.POSITIVE_INFINITY
  let count = 0
  for (const bytes of openTape(file).frames()) {
    const frame = decodeFrame(bytes, kinds)
    const read = rowReader(kinds[frame.kind] as Kind)
    for (let i = 0; i < frame.rows && count < limit; i++, count++) {
      const value = read(frame, i)
      const fields = typeof value === 'object' && value !== null ? value : { value }
      const row = { at: frame.at[i], key: frame.keys[frame.key[i] as number], kind: frame.kind, ...fields }
      io.line(JSON.parse(toJson(row)), toJson(row))
    }
    if (count >= limit) return
  }
}
