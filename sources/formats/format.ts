import { z } from 'zod'
import { TidegateError } from '../../schemas/errors.ts'
import { guardOf } from '../../schemas/guard.ts'
import type { Kind } from '../../schemas/kind.ts'
import type { Bar, Quote, Trade } from '../../schemas/market.ts'
import { duration, formatTime, Instrument } from '../../schemas/units.ts'

/** One row of a file, as a message with its envelope. */
export interface ImportedRow {
  /** Event time in µs. */
  readonly at: number
  /** `venue:SYMBOL`. */
  readonly key: string
  readonly value: Trade | Quote | Bar
}
/** A line that is not a row of its format: which one, and what was expected of it. */
export interface Invalid {
  readonly invalid: { readonly line: number; readonly reason: string }
}
export type Imported = ImportedRow | Invalid
export const isInvalid = (item: Imported): item is Invalid => 'invalid' in item

/** What the first lines of a file and its path tell. */
export interface Head {
  readonly file: string
  readonly lines: readonly string[]
}

/** How one file is read: a line in, and rows, an explained refusal or nothing (a header, a frame of another kind) out. */
interface Reader {
  readonly line: (text: string, number: number) => ImportedRow | readonly Imported[] | undefined
  /** What can only be told at the end of the file. */
  readonly end?: () => readonly Imported[]
}

/** An import format, with its options folded away. */
export interface Format {
  readonly name: string
  readonly summary: string
  readonly kind: Kind
  readonly options: z.ZodObject
  /** A few lines of such a file, made by hand, and what it takes to read them. */
  readonly example: string
  readonly example_file: string
  readonly example_options: Readonly<Record<string, unknown>>
  /** Where such files come from, and what to know of them. */
  readonly notes: string
  readonly detects: (head: Head) => boolean
  /** Blocks of lines in, blocks of rows out, in the order of the file; memory stays flat unless the notes say otherwise. */
  readonly rows: (
    lines: AsyncIterable<readonly string[]> | Iterable<readonly string[]>,
    options?: unknown,
    file?: string,
  ) => AsyncGenerator<readonly Imported[]>
}

export interface FormatDefinition<S extends z.ZodObject> extends Omit<Format, 'rows' | 'options'> {
  readonly options: S
  /** The venue numbers its trades upwards, so that a number seen before marks a damaged recording. */
  readonly ids_increase?: boolean
  readonly open: (options: z.output<S> & Ordered, file: string) => Reader
}
interface Ordered {
  readonly disorder: number
}
/** The option every format has. */
export const ordered = {
  disorder: duration()
    .default(0)
    .describe('how far a row may lie behind the newest of its instrument; rows further back are invalid'),
}
export const venueOption = (usual: string) =>
  z
    .string()
    .regex(/^[a-z0-9_]+$/, 'expected lower-case letters, digits and _, such as binance')
    .default(usual)
    .describe('first half of the instrument')
export const symbolOption = z
  .string()
  .regex(/^\S{1,64}$/, 'expected a symbol without spaces, such as BTCUSDT')
  .describe('second half of the instrument, as the venue spells it')
export function symbolUnknown(format: string): never {
  throw new TidegateError('PARAMS_INVALID', `options of ${format}: the file does not name its symbol; give one`, {
    format,
    option: 'symbol',
  })
}
/** True or false, also as the text a command line gives. */
export const flag = (usual: boolean) =>
  z.union([z.boolean(), z.enum(['true', 'false']).transform((text) => text === 'true')]).default(usual)

/** What is wrong with options, each with its name; for one that is not known those that are. */
const said = (error: z.ZodError, known: readonly string[]): string =>
  error.issues
    .flatMap((issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((key) => `${key}: no such option; there are ${known.join(', ')}`)
        : [
            `${issue.path.join('.')}: ${issue.input === undefined && issue.message.includes('received undefined') ? 'is missing' : issue.message}`,
          ],
    )
    .join('; ')

class Refusal extends Error {}
/** Ends the reading of one line: it becomes an invalid row with this reason. */
export function refuse(reason: string): never {
  throw new Refusal(reason)
}
/** Ends the reading of the file: it is not of this format at all. */
export function notThisFormat(format: string, reason: string, line = 1): never {
  throw new TidegateError('INPUT_INVALID', `line ${line}: ${reason}; is this a ${format} file?`, { line, format })
}
/** `text` for a message: short, and with its ends visible. */
export const shown = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}...` : text)

export function defineFormat<S extends z.ZodObject>(definition: FormatDefinition<S>): Format {
  const { open, ids_increase = false, ...rest } = definition
  return {
    ...rest,
    async *rows(lines, raw = {}, file = '') {
      const parsed = definition.options.safeParse(raw)
      if (!parsed.success)
        throw new TidegateError(
          'PARAMS_INVALID',
          `options of ${definition.name}: ${said(parsed.error, Object.keys(definition.options.shape))}`,
          { format: definition.name, issues: parsed.error.issues },
        )
      const options = parsed.data as z.output<S> & Ordered
      const reader = open(options, file)
      const sound = soundness(definition.kind, options.disorder, ids_increase)
      let number = 0
      for await (const block of lines) {
        const out: Imported[] = []
        for (const text of block) {
          number++
          const line = number
          settle(line, out, sound, () => (text === '' ? undefined : reader.line(text, line)))
        }
        if (out.length > 0) yield out
      }
      const out: Imported[] = []
      settle(number, out, sound, () => reader.end?.())
      if (out.length > 0) yield out
    },
  }
}

/** For readers that find rows at the end: one row, or why it is none. */
export function attempt(line: number, read: () => ImportedRow): Imported {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return { invalid: { line, reason: error.message } }
  }
}

function settle(
  line: number,
  out: Imported[],
  sound: (row: ImportedRow) => string | undefined,
  read: () => ImportedRow | readonly Imported[] | undefined,
): void {
  try {
    const answer = read()
    if (answer === undefined) return
    for (const item of Array.isArray(answer) ? (answer as readonly Imported[]) : [answer as ImportedRow]) {
      const reason = isInvalid(item) ? undefined : sound(item)
      out.push(reason === undefined ? item : { invalid: { line, reason } })
    }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    out.push({ invalid: { line, reason: error.message } })
  }
}

/** What no row may break, whatever its format: the kind's own rules, a real time, order in time, fresh trade numbers. */
function soundness(kind: Kind, disorder: number, idsIncrease: boolean): (row: ImportedRow) => string | undefined {
  const guard = guardOf(kind)
  const newest = new Map<string, { at: number; id: number }>()
  return ({ at, key, value }) => {
    if (!guard(value)) return `expected a ${kind.kind}, found ${shown(JSON.stringify(value))}`
    if (!Number.isSafeInteger(at) || at <= 0) return `expected an event time after 1970, found ${at} µs`
    let last = newest.get(key)
    if (last === undefined) {
      if (!Instrument.safeParse(key).success) return `expected an instrument venue:SYMBOL, found ${shown(key)}`
      last = { at: 0, id: 0 }
      newest.set(key, last)
    }
    if (at + disorder < last.at)
      return `time runs back from ${formatTime(last.at)} to ${formatTime(at)}; the option disorder allows for it`
    if (idsIncrease) {
      const { id } = value as Trade
      if (id > 0 && id <= last.id) return `trade number ${id} comes after ${last.id}`
      last.id = id
    }
    if (at > last.at) last.at = at
    return undefined
  }
}
