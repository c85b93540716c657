import { join } from 'node:path'
import { writeParquet } from '../../cli/write_parquet.ts'
import { openTape, TapeWriter } from '../../runtime/tape.ts'
import { isTidegateError } from '../../schemas/errors.ts'
import { decodeFrame } from '../../schemas/frame.ts'
import { FrameWriter } from '../../schemas/frame_writer.ts'
import { kinds } from '../../schemas/kinds.ts'
import { Trade } from '../../schemas/market.ts'
import { makeFeed } from '../fused/feed.ts'
import type { Written } from '../tape.ts'

const ROWS_PER_FRAME = 4096
const [directory = '', symbols, rows] = process.argv.slice(2)
const feed = makeFeed(Number(symbols), Number(rows))
const path = (variant: Written) => join(directory, `${symbols}.${variant}`)

async function write(variant: Exclude<Written, 'parquet'>): Promise<void> {
  const compression = variant === 'packed' || variant === 'lz4' ? variant : 'none'
  const tape = TapeWriter.create(path(variant), kinds, compression)
  const writer = new FrameWriter(Trade, 'import', {
    capacity: ROWS_PER_FRAME,
    dictionary: variant === 'flat_own_words' ? 'own' : 'growing',
  })
  for (let i = 0; i < feed.rows; i++) {
    const value = { price: feed.price[i]!, size: feed.size[i]!, side: feed.side[i]!, id: i }
    writer.push(feed.at[i]!, feed.keys[feed.symbol[i]!]!, value)
    if (writer.rows === ROWS_PER_FRAME || i === feed.rows - 1) tape.write(writer.take())
  }
  await tape.close()
}

function* frames() {
  for (const bytes of openTape(path('flat')).frames()) {
    const frame = decodeFrame(bytes, kinds)
    yield [frame, frame.rows] as const
  }
}

const tapes = ['flat_own_words', 'flat', 'packed', 'lz4'] as const
for (const variant of tapes) await write(variant)
const written: Written[] = [...tapes]
try {
  await writeParquet(path('parquet'), Trade, frames())
  written.push('parquet')
} catch (error) {
  if (!isTidegateError(error) || error.code !== 'PACKAGE_ABSENT') throw error
  process.stderr.write(`${error.message}\n`)
}
process.stdout.write(JSON.stringify(written))
