import { Ring } from '../../runtime/define.ts'

/**
 * One side of a book as two sorted columns. Prices are signed, bids as they are and asks negated, so that the best is
 * the greatest and stands at the end, where most changes happen. `edge` is the best price that was ever let go for want
 * of room: strictly above it every level is known, at it and below nothing is.
 */
export interface BookSide {
  readonly prices: Ring
  readonly sizes: Ring
  count: number
  edge: number
  [name: string]: number | Ring
}
export const bookSide = (room: number): BookSide => ({
  prices: new Ring(room),
  sizes: new Ring(room),
  count: 0,
  edge: Number.NEGATIVE_INFINITY,
})

export function emptied(side: BookSide): void {
  side.count = 0
  side.edge = Number.NEGATIVE_INFINITY
}

/** Puts what stands at a level, or takes the level out. */
export function set(side: BookSide, price: number, size: number): void {
  if (price <= side.edge) return
  const [prices, sizes] = [side.prices.data, side.sizes.data]
  let [place, high] = [0, side.count]
  while (place < high) {
    const middle = (place + high) >> 1
    if ((prices[middle] as number) < price) place = middle + 1
    else high = middle
  }
  const there = place < side.count && prices[place] === price
  if (size === 0) {
    if (!there) return
    prices.copyWithin(place, place + 1, side.count)
    sizes.copyWithin(place, place + 1, side.count)
    side.count--
    return
  }
  if (there) {
    sizes[place] = size
    return
  }
  if (side.count < prices.length) {
    prices.copyWithin(place + 1, place, side.count)
    sizes.copyWithin(place + 1, place, side.count)
    side.count++
  } else {
    // the worst level makes room, be it the new one
    side.edge = place === 0 ? price : (prices[0] as number)
    if (place === 0) return
    place--
    prices.copyWithin(0, 1, place + 1)
    sizes.copyWithin(0, 1, place + 1)
  }
  prices[place] = price
  sizes[place] = size
}

export const bestPrice = ({ prices, count }: BookSide): number => Math.abs(prices.data[count - 1] as number)
export const bestSize = ({ sizes, count }: BookSide): number => sizes.data[count - 1] as number
/** Some levels were let go, and all that were kept are gone. */
export const isExhausted = ({ count, edge }: BookSide): boolean => count === 0 && edge !== Number.NEGATIVE_INFINITY
