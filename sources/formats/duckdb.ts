import { TidegateError } from '../../schemas/errors.ts'

/** DuckDB reads and writes Parquet. It is large and few need it, so it is loaded when a Parquet file is met. */
export async function duckdb() {
  try {
    return await import('@duckdb/node-api')
  } catch (cause) {
    throw new TidegateError(
      'PACKAGE_ABSENT',
      'Parquet needs the package @duckdb/node-api, found none; install it beside tidegate: npm install @duckdb/node-api',
      { package: '@duckdb/node-api' },
      cause,
    )
  }
}

export const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`
export const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`
