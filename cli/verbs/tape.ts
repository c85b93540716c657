import { toJson } from '../../runtime/json.ts'
import { openTape, type Tape } from '../../runtime/tape.ts'
import { TidegateError } from '../../schemas/errors.ts'
import { decodeFrame, type Frame } from '../../schemas/frame.ts'
import { rowReader } from '../../schemas/frame_reader.ts'
import type { Kind } from '../../schemas/kind.ts'
import { kinds } from '../../schemas/kinds.ts'
import { formatTime } from '../../schemas/units.ts'
import { wholeOption } from '../args.ts'
import type { Args, Io, Verb } from '../verb.ts'
import { writeParquet } from '../write_parquet.ts'

export const tapeVerb: Verb = {
  name: 'tape',
  summary: 'Checks a tape and tells what it holds, or writes its rows as JSON lines or Parquet.',
  form: 'info|export TAPE',
  positionals: { min: 2, max: 2 },
  options: {
    limit: { type: 'string', value: 'N', help: 'export: the first N rows only' },
    format: { type: 'string', value: 'jsonl|parquet', help: 'export: JSON lines (usual) on stdout, or a Parquet file' },
    out: { type: 'string', short: 'o', value: 'FILE', help: 'export --format parquet: the file to write' },
    kind: { type: 'string', value: 'KIND', help: 'export: the rows of this kind only; a Parquet file holds one kind' },
  },
  notes:
    '`info` reads everything: checksums, columns and counts. `export` writes lines that `import jsonl_trades` (or _quotes, _bars) reads back, or a Parquet file that `import parquet` does.',
  async run(args, { io }) {
    const [what, file = ''] = args.positionals
    if (what === 'info') return info(file, io)
    if (what === 'export') {
      const format = args.value('format') ?? 'jsonl'
      if (format === 'jsonl') return exportLines(file, args, io)
      if (format === 'parquet') return exportParquet(file, args, io)
      throw new TidegateError('USAGE', `--format: expected jsonl or parquet, found "${format}"`)
    }
    throw new TidegateError('USAGE', `expected: tidegate tape info|export TAPE; found "${what}"`)
  },
}

function info(file: string, io: Io): void {
  const tape = openTape(file)
  const { rows, frames, kinds: held, keys, from, to } = tape.verify()
  const { compression = 'none' } = tape.info
  const bytesPerRow = rows === 0 ? null : Number((tape.bytes / rows).toFixed(2))
  const times = { from: from === null ? null : formatTime(from), to: to === null ? null : formatTime(to) }
  const kept = { compression, bytes: tape.bytes, bytes_per_row: bytesPerRow }
  io.document({ tape: file, sound: true, rows, frames, kinds: held, keys, ...times, ...kept }, () =>
    [
      `${file}: sound`,
      `  ${rows.toLocaleString('en')} rows in ${frames.toLocaleString('en')} frames: ${Object.entries(held)
        .map(([kind, n]) => `${n.toLocaleString('en')} ${kind}`)
        .join(', ')}`,
      `  ${tape.bytes.toLocaleString('en')} bytes${bytesPerRow === null ? '' : `, ${bytesPerRow} a row`}, compression ${compression}`,
      `  ${keys.join(', ')}`,
      `  ${times.from === null ? 'empty' : `${times.from} to ${times.to}`}`,
    ].join('\n'),
  )
}

/** The frames of an export, cut to its kind and limit: frame by frame, how many of its rows are wanted. */
function* wantedOf(tape: Tape, args: Args): Generator<readonly [frame: Frame, rows: number]> {
  const kind = args.value('kind')
  if (kind !== undefined && !Object.hasOwn(tape.info.kinds, kind))
    throw new TidegateError('USAGE', `--kind ${kind}: the tape holds ${Object.keys(tape.info.kinds).join(', ')}`)
  let left = wholeOption(args, 'limit') ?? Number.POSITIVE_INFINITY
  for (const bytes of tape.frames()) {
    if (left <= 0) return
    const frame = decodeFrame(bytes, kinds)
    if (kind !== undefined && frame.kind !== kind) continue
    const rows = Math.min(left, frame.rows)
    yield [frame, rows]
    left -= rows
  }
}

function exportLines(file: string, args: Args, io: Io): void {
  for (const [frame, rows] of wantedOf(openTape(file), args)) {
    const read = rowReader(kinds[frame.kind] as Kind)
    for (let i = 0; i < rows; i++) {
      const value = read(frame, i)
      const fields = typeof value === 'object' && value !== null ? value : { value }
      const row = { at: frame.at[i], key: frame.keys[frame.key[i] as number], kind: frame.kind, ...fields }
      io.line(JSON.parse(toJson(row)), toJson(row))
    }
  }
}

async function exportParquet(file: string, args: Args, io: Io): Promise<void> {
  const out = args.value('out')
  if (out === undefined) throw new TidegateError('USAGE', 'export --format parquet: expected -o FILE, found none')
  const tape = openTape(file)
  const [only, ...others] = args.value('kind') === undefined ? Object.keys(tape.info.kinds) : [args.value('kind')]
  if (only === undefined || others.length > 0)
    throw new TidegateError(
      'USAGE',
      `export --format parquet: expected one kind of rows, found ${Object.keys(tape.info.kinds).join(', ') || 'none'}; name it with --kind`,
    )
  const rows = await writeParquet(out, kinds[only] as Kind, wantedOf(tape, args))
  io.document({ file: out, kind: only, rows }, () => `${out}: ${rows.toLocaleString('en')} rows of ${only}`)
}
