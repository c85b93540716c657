import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { solo } from '../../runtime/drive.ts'
import { Engine } from '../../runtime/engine.ts'
import { decodeFrame } from '../../schemas/frame.ts'
import { FrameWriter } from '../../schemas/frame_writer.ts'
import { kinds } from '../../schemas/kinds.ts'
import { Book, type Quote } from '../../schemas/market.ts'
import { linesOf } from '../../testing/recorded.ts'
import { orderBook } from './order_book.ts'

// Six minutes of six Binance streams: the book must be the exchange's own bookTicker wherever both tell an update id.

const folder = join(process.env['TIDEGATE_DATA'] ?? 'data', 'ticks', 'binance-raw-frames')
const fileOf = (name: string) => join(folder, `${name}_20240808.jsonl.txt.gz`)

type Level = readonly [price: string, size: string]
interface Depths {
  readonly e?: string
  readonly E?: number
  readonly u: number
  readonly pu?: number
  readonly b: readonly Level[] | string
  readonly a: readonly Level[] | string
  readonly B?: string
  readonly A?: string
  readonly lastUpdateId?: number
  readonly bids: readonly Level[]
  readonly asks: readonly Level[]
}

/** Reads a recording as a source would: changes wait for the snapshot, and those it holds already are dropped. */
function replay(name: string, behind: number) {
  const definition = orderBook.definition
  const plan = solo(definition, { levels: 10, behind })
  const found = new Map<number, Quote>()
  let refused = 0
  let id = 0
  const watch = {
    output: (edge: string) => (_key: string, _at: number, _ordinal: number, value: unknown) => {
      if (edge === 'order_book.quote') found.set(id, value as Quote)
      else if (edge === 'order_book.refused') refused++
    },
    failed: (failure: unknown) => {
      throw failure
    },
  }
  const engine = new Engine({ ...plan, edges: plan.edges.map((e) => ({ ...e, recorded: true })) }, watch)
  const tickers = new Map<number, Quote>()
  const waiting: Depths[] = []
  let standing = 0
  const writer = new FrameWriter(Book, 'in_book')
  const send = (sides: readonly (readonly [1 | -1, readonly Level[]])[], snapshot: boolean, at: number, u: number) => {
    const rows = sides.flatMap(([side, levels]) => levels.map(([price, size]) => ({ side, price, size })))
    rows.forEach(({ side, price, size }, i) => {
      const last = i === rows.length - 1
      writer.push(at, `binance:${name}`, { side, price: Number(price), size: Number(size), snapshot, last, id: u })
    })
    id = u
    if (rows.length > 0) engine.frame(decodeFrame(writer.take(), kinds))
  }
  const apply = (d: Depths) =>
    send(
      [
        [1, d.b as readonly Level[]],
        [-1, d.a as readonly Level[]],
      ],
      false,
      (d.E as number) * 1e3,
      d.u,
    )
  for (const line of linesOf(fileOf(name))) {
    const parsed = JSON.parse(line.slice(line.indexOf(' ') + 1)) as { data?: Depths } & Depths
    const d = parsed.data ?? parsed
    if (d.lastUpdateId !== undefined) {
      const first = waiting[0] as Depths
      send(
        [
          [1, d.bids],
          [-1, d.asks],
        ],
        true,
        (first.E as number) * 1e3,
        d.lastUpdateId,
      )
      standing = d.lastUpdateId
      // spot: u <= lastUpdateId is in the snapshot; futures: u < lastUpdateId (developers.binance.com, 2024-08)
      const stale = (u: number) => (name.startsWith('spot') ? u <= standing : u < standing)
      for (const change of waiting) if (!stale(change.u)) apply(change)
    } else if (d.e === 'depthUpdate') {
      if (standing === 0) waiting.push(d)
      else apply(d)
    } else if (d.e === undefined || d.e === 'bookTicker')
      tickers.set(d.u, {
        bid: Number(d.b),
        ask: Number(d.a),
        bid_size: Number(d.B),
        ask_size: Number(d.A),
      })
  }
  const common = [...found].filter(([u]) => tickers.has(u))
  return {
    compared: common.length,
    differing: common.filter(([u, quote]) => JSON.stringify(quote) !== JSON.stringify(tickers.get(u))),
    refused,
    engine,
  }
}

const facts = JSON.parse(
  existsSync(join(folder, 'facts.json')) ? readFileSync(join(folder, 'facts.json'), 'utf8') : '{}',
) as Record<
  string,
  { readonly top_of_book_vs_bookTicker_same_u: { readonly compared: number; readonly equal: number } }
>
const names = ['spot_btcusdt', 'spot_ethusdt', 'usdm_btcusdt', 'usdm_ethusdt', 'cm_btcusd_perp', 'cm_ethusd_perp']

for (const name of names)
  test.skipIf(!existsSync(fileOf(name)))(
    `the book of ${name} is the exchange's own best quote at every update id both tell`,
    { timeout: 60_000 },
    () => {
      const compared =
        facts[`binance-raw-frames/${name}_20240808.jsonl.txt.gz`]?.top_of_book_vs_bookTicker_same_u.compared
      const got = replay(name, 4990)
      expect(got.engine.execution).toBe('compile')
      expect({ compared: got.compared, differing: got.differing, refused: got.refused }).toEqual({
        compared,
        differing: [],
        refused: 0,
      })
    },
  )
