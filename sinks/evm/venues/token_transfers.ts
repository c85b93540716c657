import type { Address } from '../hex.ts'
import type { Log, Moved, Trade } from './venue.ts'

/** Transfer(address,address,uint256) of ERC-20. */
const transfer = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef'
const addressIn = (topic: string | undefined): string => `0x${topic?.slice(26) ?? ''}`

/** What the two tokens themselves say came and went, less what came back. Wrong for a native coin, which says nothing. */
export function movedByTransfers({ pay, get, account }: Trade, logs: readonly Log[]): Moved {
  const came = (token: Address): bigint => {
    let sum = 0n
    for (const { address, topics, data } of logs) {
      // Those of ERC-721 have four topics.
      if (address !== token || topics[0] !== transfer || topics.length !== 3) continue
      if (addressIn(topics[2]) === account) sum += BigInt(data)
      if (addressIn(topics[1]) === account) sum -= BigInt(data)
    }
    return sum
  }
  return { paid: -came(pay.address), got: came(get.address) }
}
