import { crc32 } from 'node:zlib'
import type { Level } from '../feed/venue.ts'

/** Levels a side that the checksum covers, however deep the book. */
const COVERED = 10

const digits = (text: string): string => text.replace('.', '').replace(/^0+/, '')
const written = (levels: readonly Level[]): string => {
  let text = ''
  for (const [price, size, priceText, sizeText] of levels.slice(0, COVERED))
    text += digits(priceText ?? String(price)) + digits(sizeText ?? String(size))
  return text
}

/**
 * CRC32 of the best ten asks and bids, best first, each price and size as Kraken wrote them, without the point and
 * leading zeros (docs.kraken.com, "Book checksum (WebSocket v2)", 2026-11; the same in v1).
 */
export const bookChecksum = (bids: readonly Level[], asks: readonly Level[]): number =>
  crc32(written(asks) + written(bids))
