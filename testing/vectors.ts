import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { Bar } from '../schemas/market.ts'
import type { Sample } from '../schemas/samples.ts'
import { bar } from '../schemas/samples.ts'

// Indicator values published by others, to compare ours with. The files are theirs: they are read where they lie.

const folder = process.env['TIDEGATE_DATA'] ?? './data'

/** The text of a file under `TIDEGATE_DATA`, unzipped where its name ends in `.gz`; undefined when it is absent. */
export function reference(file: string): string | undefined {
  try {
    const bytes = readFileSync(join(folder, file))
    return (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
/** For `test.skipIf(absent(file))`: the test's title names the file, so that a skip says what is missing. */
export const absent = (file: string): boolean => reference(file) === undefined

function present(file: string): string {
  const text = reference(file)
  if (text === undefined) throw new Error(`expected ${file} in ${folder}; set TIDEGATE_DATA`)
  return text
}

/** Columns of numbers by their header; NaN where a cell is blank or holds no number. */
export type Columns = (name: string) => readonly number[]

/** A CSV with a header: the files of Lean and of StockCharts. */
export function columns(file: string): Columns {
  const [header = '', ...lines] = present(file)
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '')
  const names = header.split(',').map((name) => name.trim())
  const rows = lines.map((line) => line.split(','))
  return (name) => {
    const place = names.indexOf(name)
    if (place < 0) throw new Error(`expected a column ${name} in ${file}; it has ${names.join(', ')}`)
    return rows.map((row) => {
      const cell = row[place]?.trim() ?? ''
      return cell === '' ? Number.NaN : Number(cell)
    })
  }
}

/** One test of Tulip: its series lists the inputs first and then the outputs, which lack the start-up bars. */
export interface TulipCase {
  readonly options: readonly number[]
  readonly series: readonly (readonly number[])[]
}
export function tulip(file: string, indicator: string): TulipCase[] {
  const all = JSON.parse(present(file)) as { indicator: string; options: string[]; series: number[][] }[]
  return all
    .filter((one) => one.indicator === indicator)
    .map(({ options, series }) => ({ options: options.map(Number), series }))
}

/** The 252 daily bars that every expected value of TA-Lib refers to. */
export const talibDaily = 'indicators/talib/ref_daily_252.json'
export function talibColumns(): Columns {
  const daily = JSON.parse(present(talibDaily)) as Record<string, number[]>
  return (name) => daily[name] ?? []
}

/** One row of TA-Lib's regression tables: a call, and the values it must give at one bar. */
export interface TalibRow {
  /** The call's arguments by the names of the table; numbers and enum names. */
  readonly of: Readonly<Record<string, string | number>>
  /** Bar of the 252, from 0. */
  readonly bar: number
  readonly values: readonly number[]
}
/** The rows that expect success and at least one value. */
export function talib(file: string): TalibRow[] {
  const { rows } = JSON.parse(present(file)) as { rows: Record<string, string | number>[] }
  return rows
    .filter((row) => row['expectedRetCode'] === 'TA_SUCCESS' && Number(row['expectedNbElement']) > 0)
    .map((row) => {
      const values = Object.keys(row).filter((name) => /^oneOfTheExpectedOutReal\d?$/.test(name))
      const index = Object.keys(row).find((name) => name.startsWith('oneOfTheExpectedOutRealIndex'))
      return {
        of: row,
        bar: Number(row['expectedBegIdx']) + Number(row[index ?? '']),
        values: values.map((name) => Number(row[name])),
      }
    })
}

/** Bars of published columns, a second apart; turnover is close x volume. */
export function bars(
  close: readonly number[],
  rest: {
    readonly high?: readonly number[]
    readonly low?: readonly number[]
    readonly volume?: readonly number[]
  } = {},
): Sample<Bar>[] {
  return close.map((price, i) => {
    const volume = rest.volume?.[i] ?? 1
    return bar(i + 1, price, {
      high: rest.high?.[i] ?? price,
      low: rest.low?.[i] ?? price,
      volume,
      turnover: price * volume,
    })
  })
}

/** How far a value may lie from an expected one. */
export type Tolerance = (expected: number) => number
export const relative =
  (share: number): Tolerance =>
  (expected) =>
    share * Math.abs(expected)
export const absolute =
  (distance: number): Tolerance =>
  () =>
    distance
/** A unit of the last decimal a number shows: the tables of TA-Lib cut some values off and round others. */
export const printed: Tolerance = (expected) => {
  const [, shown = ''] = String(Number(expected.toPrecision(12))).split('.')
  return 1.0000001 * Number(`1e-${shown.length}`)
}
/** Half a unit of the last decimal. */
export const decimals = (places: number): Tolerance => absolute(0.5000001 * Number(`1e-${places}`))

export interface Comparison {
  readonly compared: number
  /** Expected values where the operator was still silent. */
  readonly silent: number
  /** Bars whose values lie further apart than allowed. */
  readonly broken: readonly { readonly bar: number; readonly expected: number; readonly found: number }[]
}
/** Both series end at the same bar. A NaN expects nothing; more answers than expected values are not looked at. */
export function compare(found: readonly number[], expected: readonly number[], allowed: Tolerance): Comparison {
  const pairs = expected
    .map((value, i) => ({ bar: i, expected: value, found: found[found.length - expected.length + i] }))
    .filter((pair) => !Number.isNaN(pair.expected))
  const spoken = pairs.flatMap((pair) => (pair.found === undefined ? [] : [{ ...pair, found: pair.found }]))
  return {
    compared: spoken.length,
    silent: pairs.length - spoken.length,
    broken: spoken.filter((pair) => !(Math.abs(pair.found - pair.expected) <= allowed(pair.expected))),
  }
}
