import { decodeFrame } from '../../schemas/frame.ts'
import { rowReader } from '../../schemas/frame_reader.ts'
import { FrameWriter } from '../../schemas/frame_writer.ts'
import { kinds } from '../../schemas/kinds.ts'
import { Trade } from '../../schemas/market.ts'
import { makeFeed } from '../fused/feed.ts'
import { median, rounded } from '../support.ts'

/** CPU ns per tick, and bytes per tick. */
export interface Speed {
  readonly rows: number
  readonly bytes_per_tick: { readonly frame: number; readonly json: number; readonly columns: number }
  readonly ns_per_tick: Readonly<Record<string, number>>
}

const ROWS = 4096
const feed = makeFeed(10, ROWS)
const messages = Array.from({ length: ROWS }, (_, i) => ({
  at: feed.at[i]!,
  key: feed.keys[feed.symbol[i]!]!,
  value: { price: feed.price[i]!, size: feed.size[i]!, side: feed.side[i]! as Trade['side'], id: i },
}))
const read = rowReader(Trade) as (...of: Parameters<ReturnType<typeof rowReader>>) => Trade
/** Everything that is decoded ends up in here, so that nothing can be left out. */
let sink = 0

type Codec = { readonly run: () => void }
function codecsOf(rows: number): { codecs: Readonly<Record<string, Codec>>; bytes: Speed['bytes_per_tick'] } {
  const some = messages.slice(0, rows)
  const flat = some.map(({ at, key, value }) => ({ at, key, ...value }))
  const writer = new FrameWriter(Trade, 'trades', { capacity: rows })
  const encode = () => {
    for (const { at, key, value } of some) writer.push(at, key, value)
    return writer.take()
  }
  const frame = encode()
  const json = JSON.stringify(flat)
  const columns = (['at', 'symbol', 'price', 'size', 'side'] as const).map((name) => feed[name].slice(0, rows))
  // The frame holds u32 keys and f64 ids.
  columns[1] = new Uint32Array(rows) as never
  columns.push(new Float64Array(rows))
  const copies = columns.map((column) => column.slice())
  const codecs: Record<string, Codec> = {
    memcpy: {
      run() {
        for (let c = 0; c < columns.length; c++) copies[c]!.set(columns[c] as never)
      },
    },
    memcpy_to_new_memory: {
      run() {
        for (const column of columns) sink += column.slice().byteLength
      },
    },
    frame_encode: { run: () => (sink += encode().byteLength) },
    frame_decode: { run: () => (sink += decodeFrame(frame, kinds).at[0]!) },
    frame_decode_rows: {
      run() {
        const decoded = decodeFrame(frame, kinds)
        let sum = 0
        for (let i = 0; i < decoded.rows; i++) {
          const { price, size, side } = read(decoded, i)
          sum += price * size * side + decoded.keys[decoded.key[i]!]!.length
        }
        sink += sum
      },
    },
    json_encode: { run: () => (sink += JSON.stringify(flat).length) },
    json_decode_rows: {
      run() {
        let sum = 0
        for (const { key, price, size, side } of JSON.parse(json) as typeof flat)
          sum += price * size * side + key.length
        sink += sum
      },
    },
  }
  const copied = columns.reduce((sum, column) => sum + column.byteLength, 0)
  return { codecs, bytes: { frame: frame.byteLength / rows, json: json.length / rows, columns: copied / rows } }
}

function nsPerTick({ run }: Codec, rows: number, least: number): number {
  let times = Math.max(1, Math.ceil(256 / rows))
  for (;;) {
    const before = process.cpuUsage()
    for (let i = 0; i < times; i++) run()
    const { user, system } = process.cpuUsage(before)
    const spent = (user + system) * 1e3
    if (spent >= least * 1e6) return spent / times / rows
    times *= 2
  }
}

const rounds = Number(process.argv[2])
const results = [1, 16, 256, 4096].map((rows): Speed => {
  const { codecs, bytes } = codecsOf(rows)
  const names = Object.keys(codecs)
  for (const name of names) nsPerTick(codecs[name]!, rows, 100)
  const times = Array.from({ length: rounds }, () => names.map((name) => nsPerTick(codecs[name]!, rows, 60)))
  return {
    rows,
    bytes_per_tick: { frame: rounded(bytes.frame), json: rounded(bytes.json), columns: rounded(bytes.columns) },
    ns_per_tick: Object.fromEntries(names.map((name, n) => [name, rounded(median(times.map((round) => round[n]!)))])),
  }
})
process.stdout.write(JSON.stringify(Number.isNaN(sink) ? undefined : results))
