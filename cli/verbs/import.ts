import { statSync } from 'node:fs'
import { z } from 'zod'
import { TapeWriter } from '../../runtime/tape.ts'
import { type Compression, compressions, isCompression } from '../../runtime/tape_compression.ts'
import { TidegateError } from '../../schemas/errors.ts'
import { FrameWriter } from '../../schemas/frame_writer.ts'
import { kinds } from '../../schemas/kinds.ts'
import { type Bar, Quote, Trade } from '../../schemas/market.ts'
import { formatTime } from '../../schemas/units.ts'
import { detect, formatNamed, formats } from '../../sources/formats/catalogue.ts'
import { Expansion, expand } from '../../sources/formats/expand.ts'
import type { ImportedRow } from '../../sources/formats/format.ts'
import { type Format, isInvalid } from '../../sources/formats/format.ts'
import { headOf, importFile } from '../../sources/formats/import_file.ts'
import { parquetFormatOf } from '../../sources/formats/parquet.ts'
import { isParquet } from '../../sources/formats/parquet_lines.ts'
import { wholeOption } from '../args.ts'
import { rawTape } from '../raw_tape.ts'
import type { Args, Context, Verb } from '../verb.ts'

const ROWS_PER_FRAME = 4096

export const importVerb: Verb = {
  name: 'import',
  summary: 'Makes a tape from recorded data: exchange CSV, raw frames, JSON lines, bars, Parquet.',
  form: 'FORMAT|auto|parquet|raw FILE... -o TAPE',
  positionals: { min: 2, max: 10_000 },
  options: {
    out: { type: 'string', short: 'o', value: 'TAPE', help: 'the tape to write (.tape)' },
    option: {
      type: 'string',
      multiple: true,
      value: 'NAME=VALUE',
      help: 'an option of the format: symbol, venue, every, stamp, unit, ...',
    },
    expand: {
      type: 'string',
      value: 'quotes|trades',
      help: 'turn every bar into four messages: open, high, low, close',
    },
    offsets: {
      type: 'string',
      value: 'A,B,C,D',
      help: 'how long before the end of its bar each of the four stands, such as 300ms,200ms,100ms,0ms',
    },
    compression: {
      type: 'string',
      value: compressions.join('|'),
      help: 'packed (usual): columns as small whole numbers; lz4: packed, smaller still, slower to read; none: as they are',
    },
    limit: { type: 'string', value: 'N', help: 'take the first N rows of the files only' },
    'skip-invalid': {
      type: 'boolean',
      help: 'count rows that do not fit and go on; otherwise the first one stops the import',
    },
  },
  notes: `Formats: ${Object.keys(formats).join(', ')}. Files may be gzipped. \`parquet\` finds by the columns whether a Parquet file holds trades, quotes or bars. Rows of several files are taken in the order of the files; a row that lies before the one ahead of it is kept where it is. docs/formats.md tells what each format reads.`,
  async run(args, context) {
    const { io } = context
    const [name = '', ...files] = args.positionals
    const out = args.value('out')
    if (out === undefined || !out.endsWith('.tape'))
      throw new TidegateError('USAGE', `import: expected -o with a name that ends in .tape, found ${out ?? 'none'}`)
    for (const file of files)
      if (statSync(file, { throwIfNoEntry: false }) === undefined)
        throw new TidegateError('FILE_ABSENT', `expected a file at ${file}, found nothing`, { file })
    if (name === 'raw') {
      await importRaw(files, out, context)
      return
    }
    const options = Object.fromEntries((args.values['option'] ?? []).map(assignment))
    const format = await formatOf(name, files[0] as string, options)
    const compression = compressionOf(args)
    const expansion = expansionOf(args, format, options)
    const limit = wholeOption(args, 'limit') ?? Number.POSITIVE_INFINITY
    const tape = TapeWriter.create(out, kinds, compression)
    const writer = new FrameWriter(
      expansion === undefined ? format.kind : expansion.into === 'quotes' ? Quote : Trade,
      'import',
      { capacity: ROWS_PER_FRAME, dictionary: 'growing' },
    )
    const counts = { read: 0, invalid: 0 }
    let firstInvalid: string | undefined
    try {
      for (const file of files)
        for await (const block of importFile(format, file, options)) {
          for (const item of block) {
            if (counts.read >= limit) break
            if (isInvalid(item)) {
              const reason = `${file} line ${item.invalid.line}: ${item.invalid.reason}`
              firstInvalid ??= reason
              if (!args.flags.has('skip-invalid'))
                throw new TidegateError('INPUT_INVALID', reason, { file, ...item.invalid })
              counts.invalid++
              continue
            }
            counts.read++
            for (const row of expansion === undefined
              ? [item]
              : expand(item as ImportedRow & { value: Bar }, expansion)) {
              writer.push(row.at, row.key, row.value)
              if (writer.rows === ROWS_PER_FRAME) tape.write(writer.take())
            }
          }
          if (counts.read >= limit) break
          io.progress(`${file}: ${counts.read.toLocaleString('en')} rows`)
        }
      if (writer.rows > 0) tape.write(writer.take())
    } catch (error) {
      await tape.discard()
      throw error
    }
    if (counts.read === 0) {
      await tape.discard()
      throw new TidegateError(
        'INPUT_INVALID',
        `${files.join(', ')}: expected rows of ${format.name}, found none${firstInvalid ? `; the first line that did not fit: ${firstInvalid}` : ''}`,
        { files, ...counts },
      )
    }
    const info = await tape.close()
    const { from, to } = info
    io.document(
      {
        tape: out,
        format: format.name,
        ...counts,
        first_invalid: firstInvalid ?? null,
        rows: info.rows,
        compression,
        kinds: info.kinds,
        keys: info.keys,
        from: from && formatTime(from),
        to: to && formatTime(to),
      },
      () =>
        [
          `${out}: ${info.rows.toLocaleString('en')} rows of ${Object.keys(info.kinds).join(', ')} (${format.name})`,
          `  ${info.keys.join(', ')}`,
          `  ${from === null ? 'empty' : `${formatTime(from)} to ${formatTime(to as number)}`}`,
          ...(counts.invalid > 0
            ? [`  ${counts.invalid} rows did not fit and were left out; the first: ${firstInvalid}`]
            : []),
        ].join('\n'),
    )
  },
}

/** What `record --raw` wrote, read by the source it was recorded of. */
async function importRaw(folders: readonly string[], out: string, { io, catalogue }: Context): Promise<void> {
  const [folder = ''] = folders
  if (folders.length > 1)
    throw new TidegateError('USAGE', `import raw: expected one folder, found ${folders.length}; each gives a tape`)
  const info = await rawTape(folder, out, { catalogue: await catalogue('.'), io })
  const [from, to] = [info.from, info.to].map((at) => at && formatTime(at))
  const document = { tape: out, format: 'raw', rows: info.rows, kinds: info.kinds, keys: info.keys, from, to }
  io.document(document, () => `${out}: ${info.rows.toLocaleString('en')} rows of ${Object.keys(info.kinds).join(', ')}`)
}

async function formatOf(name: string, file: string, options: Readonly<Record<string, string>>): Promise<Format> {
  if (name !== 'auto' && name !== 'parquet') return formatNamed(name)
  if (!(await isParquet(file))) {
    if (name === 'auto') return detected(file)
    throw new TidegateError(
      'INPUT_INVALID',
      `${file}: expected a Parquet file, found one of another format; name that format, or auto`,
      {
        file,
      },
    )
  }
  const [row = '{}'] = (await headOf(file, 1)).lines
  const format = parquetFormatOf(row, options)
  if (format !== undefined) return format
  throw new TidegateError(
    'FORMAT_UNKNOWN',
    `${file}: expected columns price and size (trades), bid and ask (quotes) or open, high, low and close (bars), found ${Object.keys(JSON.parse(row)).join(', ')}; say which is which, such as --option price=PX --option size=QTY`,
    { file },
  )
}

function compressionOf(args: Args): Compression {
  const name = args.value('compression') ?? 'packed'
  if (isCompression(name)) return name
  throw new TidegateError('USAGE', `--compression: expected ${compressions.join(', ')}, found "${name}"`)
}

async function detected(file: string): Promise<Format> {
  const head = await headOf(file)
  const format = detect(file, head.lines)
  if (format === undefined)
    throw new TidegateError(
      'FORMAT_UNKNOWN',
      `${file}: its first lines fit no format; name one of ${Object.keys(formats).join(', ')}`,
      { file },
    )
  return format
}

function assignment(text: string): readonly [string, string] {
  const at = text.indexOf('=')
  if (at < 1) throw new TidegateError('USAGE', `--option ${text}: expected NAME=VALUE`)
  return [text.slice(0, at), text.slice(at + 1)]
}

function expansionOf(
  args: Args,
  format: Format,
  options: Readonly<Record<string, string>>,
): z.output<typeof Expansion> | undefined {
  const into = args.value('expand')
  if (into === undefined) return undefined
  if (format.kind.kind !== 'bar')
    throw new TidegateError('USAGE', `--expand is for formats of bars; ${format.name} gives ${format.kind.kind}`)
  const parsed = Expansion.safeParse({ into, every: options['every'], offsets: args.value('offsets')?.split(',') })
  if (options['every'] === undefined)
    throw new TidegateError(
      'USAGE',
      `--expand ${into}: expected the length of a bar, such as --option every=1m, found none`,
    )
  if (!parsed.success)
    throw new TidegateError('USAGE', `--expand ${into}: ${z.prettifyError(parsed.error).replaceAll(/\n\s*/g, ' ')}`)
  return parsed.data
}
