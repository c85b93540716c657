import { open } from 'node:fs/promises'
import { TidegateError } from '../../schemas/errors.ts'
import { duckdb, identifier, quoted } from './duckdb.ts'

export async function isParquet(path: string): Promise<boolean> {
  const file = await open(path).catch(() => undefined)
  if (file === undefined) return false
  try {
    const head = Buffer.alloc(4)
    const { bytesRead } = await file.read(head, 0, 4, 0)
    return bytesRead === 4 && head.toString('latin1') === 'PAR1'
  } catch {
    return false
  } finally {
    await file.close()
  }
}

/**
 * The rows of a Parquet file as JSON lines, in its order, in blocks. Times become whole µs, and numbers that may not fit
 * a double become text, so that nothing is rounded on the way.
 * @throws PACKAGE_ABSENT, INPUT_INVALID when the file is damaged
 */
export async function* parquetLines(path: string): AsyncGenerator<readonly string[]> {
  const { DuckDBInstance } = await duckdb()
  const database = await DuckDBInstance.create(':memory:')
  const connection = await database.connect()
  try {
    const file = `read_parquet(${quoted(path)})`
    const described = await connection.runAndReadAll(`DESCRIBE SELECT * FROM ${file}`)
    const columns = described.getRows().map(([name, type]) => cell(String(name), String(type)))
    const result = await connection.stream(`SELECT to_json(row)::VARCHAR FROM (SELECT ${columns} FROM ${file}) row`)
    for (let chunk = await result.fetchChunk(); chunk !== null && chunk.rowCount > 0; chunk = await result.fetchChunk())
      yield chunk.getColumnValues(0) as string[]
  } catch (cause) {
    throw new TidegateError(
      'INPUT_INVALID',
      `${path}: expected a Parquet file, found one DuckDB cannot read: ${cause instanceof Error ? cause.message : String(cause)}`,
      { file: path },
      cause,
    )
  } finally {
    connection.closeSync()
    database.closeSync()
  }
}

function cell(name: string, type: string): string {
  const column = identifier(name)
  if (type.startsWith('TIMESTAMP') || type === 'DATE') return `epoch_us(${column})::VARCHAR AS ${column}`
  if (/^(?:U?BIGINT|U?HUGEINT|DECIMAL)/.test(type)) return `${column}::VARCHAR AS ${column}`
  return column
}
