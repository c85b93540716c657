import { z } from 'zod'
import type { SourceItem } from '../../runtime/define.ts'
import { type TapeInfo, TapeWriter } from '../../runtime/tape.ts'
import { FrameWriter } from '../../schemas/frame_writer.ts'
import { Trade } from '../../schemas/market.ts'
import { sources } from '../../sources/catalogue.ts'

const ROWS_PER_FRAME = 4096

/** Writes so many minutes of the synthetic market as a tape. */
export async function marketTape(path: string, minutes: number): Promise<TapeInfo> {
  const market = sources['synthetic_market']!
  const generate = market.generate as unknown as (params: unknown, position: number) => Iterable<readonly SourceItem[]>
  const tape = TapeWriter.create(path)
  const writer = new FrameWriter(Trade, 'import', { capacity: ROWS_PER_FRAME })
  for (const items of generate(z.parse(market.params, { minutes, seed: 1 }), 0))
    for (const item of items) {
      if (item.type !== 'row') continue
      writer.push(item.at, item.key, item.value)
      if (writer.rows === ROWS_PER_FRAME) tape.write(writer.take())
    }
  if (writer.rows > 0) tape.write(writer.take())
  return tape.close()
}
