import type { Format, Head, Imported } from './format.ts'
import { isParquet, parquetLines } from './parquet_lines.ts'
import { readLines } from './read_lines.ts'

async function* linesOf(path: string): AsyncGenerator<readonly string[]> {
  yield* (await isParquet(path)) ? parquetLines(path) : readLines(path)
}

/** The rows of a file in blocks, in its order; what is no row comes as an invalid one with its line and reason. */
export const importFile = (format: Format, path: string, options?: unknown): AsyncGenerator<readonly Imported[]> =>
  format.rows(linesOf(path), options, path)

/** The first lines of a file, for `detect`. */
export async function headOf(path: string, count = 20): Promise<Head> {
  const lines: string[] = []
  for await (const block of linesOf(path)) {
    lines.push(...block.slice(0, count - lines.length))
    if (lines.length >= count) break
  }
  return { file: path, lines }
}
