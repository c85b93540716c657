import { crc32 } from 'node:zlib'
import type { Level } from '../feed/venue.ts'

/**
 * The checksum of a book as OKX took it until 2026-06: CRC32, signed, of the best 25 levels, bid and ask in turn, price
 * and size as they were sent (www.okx.com/docs-v5/en, Order book channel, "Checksum", 2026-05).
 */
export function checksumOf(bids: readonly Level[], asks: readonly Level[]): number {
  const parts: string[] = []
  for (let depth = 0; depth < 25; depth++)
    for (const [, , price, size] of [bids[depth], asks[depth]].filter((level) => level !== undefined))
      parts.push(`${price}:${size}`)
  return crc32(parts.join(':')) | 0
}
