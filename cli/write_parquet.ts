import { existsSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { type Column, columnsOf } from '../schemas/columns.ts'
import { TidegateError } from '../schemas/errors.ts'
import type { ColumnData, Frame } from '../schemas/frame.ts'
import type { Kind } from '../schemas/kind.ts'
import { duckdb, identifier, quoted } from '../sources/formats/duckdb.ts'

const ROWS_PER_CHUNK = 2048

/** The SQL type of a column, and its value in a row of a frame. */
function typeOf({ type, values = [] }: Column): string {
  if (type === 'f64') return 'DOUBLE'
  if (type === 'u32') return 'UINTEGER'
  if (type === 'dict') return 'VARCHAR'
  if (type === 'fixed') return 'DECIMAL(38,8)'
  if (values.every((value) => typeof value === 'boolean')) return 'BOOLEAN'
  return values.every((value) => typeof value === 'number') ? 'TINYINT' : 'VARCHAR'
}

/**
 * Writes the first rows of each frame, all of one kind, as a Parquet file: `at` as a timestamp, `key`, the fields.
 * Rows wait in a database beside the file, so that memory stays flat.
 * @throws PACKAGE_ABSENT, FILE_ABSENT, FILE_UNWRITABLE
 */
export async function writeParquet(
  path: string,
  kind: Kind,
  frames: Iterable<readonly [frame: Frame, rows: number]>,
): Promise<number> {
  const { DuckDBInstance, DuckDBDataChunk, DuckDBDecimalValue, DuckDBTimestampValue } = await duckdb()
  if (!existsSync(dirname(path)))
    throw new TidegateError('FILE_ABSENT', `expected a directory at ${dirname(path)}, found none`, { path })
  const columns = columnsOf(kind)
  const waiting = `${path}.partial`
  const clear = () => {
    for (const file of [waiting, `${waiting}.wal`]) rmSync(file, { force: true })
  }
  const cellOf = ({ type, values }: Column, data: ColumnData, keys: readonly string[], row: number) => {
    if (type === 'dict') return keys[data[row] as number] as string
    if (type === 'u8') return values?.[data[row] as number] ?? null
    if (type !== 'fixed') return data[row] as number
    const [low, high] = [data[2 * row] as bigint, data[2 * row + 1] as bigint]
    return new DuckDBDecimalValue((high << 64n) + BigInt.asUintN(64, low), 38, 8)
  }
  clear()
  let written = 0
  const database = await DuckDBInstance.create(waiting)
  try {
    const connection = await database.connect()
    const fields = columns.map((column) => `${identifier(column.name)} ${typeOf(column)}`)
    await connection.run(`CREATE TABLE rows ("at" TIMESTAMP, "key" VARCHAR, ${fields.join(', ')})`)
    const table = await connection.runAndReadAll('SELECT * FROM rows')
    const appender = await connection.createAppender('rows')
    for (const [frame, rows] of frames)
      for (let from = 0; from < rows; from += ROWS_PER_CHUNK) {
        const some = Array.from({ length: Math.min(ROWS_PER_CHUNK, rows - from) }, (_, i) => from + i)
        const chunk = DuckDBDataChunk.create(table.columnTypes(), some.length)
        chunk.setColumns([
          some.map((row) => new DuckDBTimestampValue(BigInt(frame.at[row] as number))),
          some.map((row) => frame.keys[frame.key[row] as number] as string),
          ...columns.map((column, c) =>
            some.map((row) => cellOf(column, frame.columns[c] as ColumnData, frame.keys, row)),
          ),
        ])
        appender.appendDataChunk(chunk)
        written += some.length
      }
    appender.closeSync()
    await connection.run(`COPY rows TO ${quoted(path)} (FORMAT parquet, COMPRESSION zstd)`).catch((cause: unknown) => {
      throw new TidegateError(
        'FILE_UNWRITABLE',
        `${path}: ${cause instanceof Error ? cause.message : cause}`,
        { path },
        cause,
      )
    })
    connection.closeSync()
  } finally {
    database.closeSync()
    clear()
  }
  return written
}
