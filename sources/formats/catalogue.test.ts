import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isTidegateError } from '../../schemas/errors.ts'
import { guardOf } from '../../schemas/guard.ts'
import { detect, formatNamed, formats } from './catalogue.ts'
import { type Format, type ImportedRow, isInvalid } from './format.ts'

async function read(format: Format, lines: readonly string[], options: unknown = format.example_options) {
  const rows: ImportedRow[] = []
  const invalid: string[] = []
  for await (const block of format.rows([lines], options, format.example_file))
    for (const item of block)
      if (isInvalid(item)) invalid.push(`${item.invalid.line}: ${item.invalid.reason}`)
      else rows.push(item)
  return { rows, invalid }
}
const exampleOf = (format: Format) => format.example.split('\n')

describe.each(Object.values(formats))('$name', (format) => {
  const guard = guardOf(format.kind)

  test('reads its own example without a refusal', async () => {
    const { rows, invalid } = await read(format, exampleOf(format))
    expect(invalid).toEqual([])
    expect(rows.length).toBeGreaterThanOrEqual(2)
    for (const { at, value } of rows) {
      expect(guard(value)).toBe(true)
      expect(at).toBeGreaterThan(Date.UTC(2013, 0) * 1000)
    }
  })

  test('is detected by its example', () => {
    expect(detect(format.example_file, exampleOf(format))?.name).toBe(format.name)
  })

  test('gives the same rows for any cut of the lines into blocks', async () => {
    const whole = await read(format, exampleOf(format))
    const rows: ImportedRow[] = []
    const blocks = exampleOf(format).map((line) => [line])
    for await (const block of format.rows(blocks, format.example_options, format.example_file))
      rows.push(...block.filter((item): item is ImportedRow => !isInvalid(item)))
    expect(rows).toEqual(whole.rows)
  })

  test('refuses an option it does not know', async () => {
    await expect(read(format, exampleOf(format), { ...format.example_options, colour: 'red' })).rejects.toMatchObject({
      code: 'PARAMS_INVALID',
    })
  })

  test('never throws anything of its own on random text, and never gives a row that breaks its kind', async () => {
    const cell = fc.oneof(
      fc.constantFrom('-1', '0', '1e400', 'NaN', '', '"', '1704067200000', '42000.5', 'buy', 'True', '{', '[', 'null'),
      fc.double().map(String),
      fc.string(),
    )
    const line = fc.oneof(
      fc.constantFrom(...exampleOf(format)),
      fc.string({ unit: 'binary' }),
      fc.array(cell, { maxLength: 13 }).map((cells) => cells.join(',')),
      // A line of the example with one field replaced.
      fc.tuple(fc.constantFrom(...exampleOf(format)), fc.nat(12), cell).map(([text, place, by]) =>
        text
          .split(',')
          .map((field, i) => (i === place ? by : field))
          .join(','),
      ),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 8 }), fc.boolean(), async (lines, headed) => {
        try {
          const { rows } = await read(format, headed ? [...exampleOf(format).slice(0, 2), ...lines] : lines)
          const newest = new Map<string, number>()
          for (const { at, key, value } of rows) {
            expect(guard(value)).toBe(true)
            expect(Number.isSafeInteger(at) && at > 0).toBe(true)
            expect(at).toBeGreaterThanOrEqual(newest.get(key) ?? 0)
            newest.set(key, at)
          }
        } catch (error) {
          if (!isTidegateError(error)) throw error
        }
      }),
      { numRuns: 150 },
    )
  })
})

test('names the formats there are when asked for one there is not', () => {
  expect(() => formatNamed('mt_gox')).toThrow(expect.objectContaining({ code: 'FORMAT_UNKNOWN' }))
  expect(() => formatNamed('constructor')).toThrow('no import format constructor')
  expect(formatNamed('mtgox_csv').name).toBe('mtgox_csv')
})

test('detects nothing in a text that is no market data', () => {
  expect(detect('notes.txt', ['Dear diary,', 'today the market was closed.'])).toBeUndefined()
  expect(detect('empty.csv', [])).toBeUndefined()
})
