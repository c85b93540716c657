import { z } from 'zod'
import { TidegateError } from '../../schemas/errors.ts'
import { duration, parseTime } from '../../schemas/units.ts'
import { decimal } from './decimal.ts'
import { refuse } from './format.ts'

/** Options of Lean files, which hold one day and one resolution that only their path names. */
export const leanOptions = {
  day: z.iso
    .date()
    .optional()
    .describe('the day of the stamps (UTC); from a name such as 20240101_trade.csv if left out'),
  every: duration()
    .optional()
    .describe('length of a bar; 1s, 1m or 1h from `second`, `minute` or `hour` in the path if left out'),
}

export function dayOf(format: string, day: string | undefined, file: string): number {
  const [, year, month, date] = /(?:^|\/)(\d{4})(\d\d)(\d\d)_/.exec(file) ?? []
  const start = parseTime(day ?? `${year}-${month}-${date}`)
  if (start !== undefined) return start
  throw new TidegateError('PARAMS_INVALID', `options of ${format}: the file does not name its day; give one`, {
    format,
    option: 'day',
  })
}

const resolutions = { second: 1e6, minute: 6e7, hour: 3.6e9 } as const
export function everyOf(format: string, every: number | undefined, file: string): number {
  if (every !== undefined && every > 0) return every
  const name = file.slice(file.lastIndexOf('/') + 1)
  // The file's own name counts more than its folders.
  for (const text of [name, file])
    for (const [word, length] of Object.entries(resolutions)) if (text.includes(word)) return length
  throw new TidegateError(
    'PARAMS_INVALID',
    `options of ${format}: the path does not tell the length of a bar; give every`,
    {
      format,
      option: 'every',
    },
  )
}

/** µs of a day from Lean's milliseconds since midnight. */
export function sinceMidnight(text: string | undefined): number {
  const ms = decimal(text, 'number of ms since midnight')
  if (!Number.isInteger(ms) || ms < 0 || ms >= 86_400_000) refuse(`expected ms since midnight, found ${ms}`)
  return ms * 1000
}
