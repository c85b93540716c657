import type { Trade } from '../../schemas/market.ts'
import { scannerOf } from '../feed/scan.ts'
import type { Word } from '../feed/venue.ts'
import { microsOf } from './wire.ts'

const built = (symbol: string, id: number, price: number, size: number, time: number, maker: boolean) =>
  price > 0 && size > 0
    ? ({
        type: 'row',
        row: { symbol, at: microsOf(time), id, value: { price, size, side: maker ? -1 : 1, id } },
      } as const)
    : undefined

const head = ['{"stream":"', { skip: '@' }, '@trade","data":{"e":"trade","E":'] as const
/** Spot: `M` is a field of no meaning. */
const spot = scannerOf<Word<Trade> | undefined>(
  [
    ...head,
    ...(['count', ',"s":"', 'symbol', '","t":', 'count', ',"p":"', 'decimal', '","q":"', 'decimal'] as const),
    ...(['","T":', 'count', ',"m":', 'flag', ',"M":', 'flag', '}}'] as const),
  ],
  (_E: number, symbol: string, id: number, price: number, size: number, time: number, maker: boolean) =>
    built(symbol, id, price, size, time, maker),
)
/** Futures, of the book. */
const futures = scannerOf<Word<Trade> | undefined>(
  [
    ...head,
    ...(['count', ',"T":', 'count', ',"s":"', 'symbol', '","t":', 'count', ',"p":"', 'decimal'] as const),
    ...(['","q":"', 'decimal', '","X":"MARKET","m":', 'flag', '}}'] as const),
  ],
  (_E: number, time: number, symbol: string, id: number, price: number, size: number, maker: boolean) =>
    built(symbol, id, price, size, time, maker),
)

/** The trade of a frame, or undefined where it is anything but the plain frame of every day. */
export const scanTrade = (bytes: Uint8Array): Word<Trade> | undefined => spot(bytes) ?? futures(bytes)
