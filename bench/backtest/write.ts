import { TapeWriter } from '../../runtime/tape.ts'
import { FrameWriter } from '../../schemas/frame_writer.ts'
import { kinds } from '../../schemas/kinds.ts'
import { Trade } from '../../schemas/market.ts'
import { makeFeed } from '../fused/feed.ts'
import { SOURCE } from '../fused/graph.ts'

/** A packed tape of the bench's trades, as an import writes it. */
const [path = '', symbols, rows] = process.argv.slice(2)
const feed = makeFeed(Number(symbols), Number(rows))
const tape = TapeWriter.create(path, kinds, 'packed')
const writer = new FrameWriter(Trade, SOURCE, { capacity: 4096, dictionary: 'growing' })
for (let i = 0; i < feed.rows; i++) {
  const value = { price: feed.price[i], size: feed.size[i], side: feed.side[i], id: i }
  writer.push(feed.at[i]!, feed.keys[feed.symbol[i]!]!, value)
  if (writer.rows === 4096 || i === feed.rows - 1) tape.write(writer.take())
}
await tape.close()
process.stdout.write('{}')
