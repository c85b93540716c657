import { openTape } from '../../runtime/tape.ts'
import { decodeFrame } from '../../schemas/frame.ts'
import { kinds } from '../../schemas/kinds.ts'
import { duckdb, quoted } from '../../sources/formats/duckdb.ts'
import { median } from '../support.ts'

/** CPU ns per tick. */
export interface Passes {
  readonly first: number
  readonly warm: number
}

const [variant = '', path = '', rows] = process.argv.slice(2)
/** What is read ends up in here, so that nothing can be left out. */
let sink = 0

function readTape(): number {
  let read = 0
  for (const bytes of openTape(path).frames({ reuse: variant.endsWith('_reused') })) {
    const frame = decodeFrame(bytes, kinds)
    sink += frame.at[frame.rows - 1]! + (frame.columns[0] as Float64Array)[0]! + frame.keys.length
    read += frame.rows
  }
  return read
}

/** The same columns as a frame has, in typed arrays; one thread, as a tape is read by one. */
async function parquetReader(): Promise<() => Promise<number>> {
  const { DuckDBInstance } = await duckdb()
  const connection = await (await DuckDBInstance.create(':memory:')).connect()
  await connection.run('SET threads TO 1')
  const file = `read_parquet(${quoted(path)})`
  await connection.run(`CREATE TYPE keys AS ENUM (SELECT DISTINCT "key" FROM ${file} ORDER BY 1)`)
  const columns = `epoch_us("at")::DOUBLE, enum_code("key"::keys)::DOUBLE, price, size, side::DOUBLE, id`
  return async () => {
    let read = 0
    const result = await connection.stream(`SELECT ${columns} FROM ${file}`)
    for (let chunk = await result.fetchChunk(); chunk && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
      for (let c = 0; c < 6; c++) {
        // The array behind a vector is private, and the only way that does not go value by value.
        const { items } = chunk.getColumnVector(c) as unknown as { readonly items: Float64Array }
        sink += items[items.length - 1]!
      }
      read += chunk.rowCount
    }
    return read
  }
}

const read = variant === 'parquet' ? await parquetReader() : readTape
const WARM_UP = 3
const PASSES = 7
const times: number[] = []
for (let pass = 0; pass < WARM_UP + PASSES; pass++) {
  const before = process.cpuUsage()
  const count = await read()
  const { user, system } = process.cpuUsage(before)
  if (count !== Number(rows)) throw new Error(`${path}: expected ${rows} rows, read ${count}`)
  times.push(((user + system) * 1e3) / count)
}
const [first = 0] = times
const passes: Passes = { first, warm: median(times.slice(WARM_UP)) }
process.stdout.write(JSON.stringify(Number.isNaN(sink) ? undefined : passes))
