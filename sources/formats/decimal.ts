import { refuse, shown } from './format.ts'

const decimalText = /^-?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i

/** A decimal as its file wrote it; `what` names the column in the refusal. */
export function decimal(text: string | undefined, what: string): number {
  if (text === undefined || !decimalText.test(text)) refuse(`expected a ${what}, found ${shown(text ?? 'nothing')}`)
  return Number(text)
}
export function price(text: string | undefined, what = 'price'): number {
  const value = decimal(text, what)
  if (!(value > 0 && value < Number.POSITIVE_INFINITY)) refuse(`expected a ${what} above 0, found ${shown(text ?? '')}`)
  return value
}
/** A size of a trade: above 0. */
export const size = (text: string | undefined, what = 'size'): number => price(text, what)
/** A volume or the size of a book level: 0 or more. */
export function volume(text: string | undefined, what = 'volume'): number {
  const value = decimal(text, what)
  if (!(value >= 0 && value < Number.POSITIVE_INFINITY))
    refuse(`expected a ${what} of 0 or more, found ${shown(text ?? '')}`)
  return value
}
/** A trade number that fits a double, else 0: venues also use UUIDs. */
export const tradeNumber = (text: string | undefined): number =>
  text !== undefined && /^\d{1,16}$/.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : 0

/** The aggressor of a trade whose maker is known: a buyer who made was sold to. */
export function aggressorOfBuyerMaker(text: string | undefined): -1 | 1 {
  if (text === '1' || text === 'true' || text === 'True' || text === 'TRUE') return -1
  if (text === '0' || text === 'false' || text === 'False' || text === 'FALSE') return 1
  return refuse(`expected whether the buyer was the maker, found ${shown(text ?? 'nothing')}`)
}
/** The aggressor where the file names the taker's side. */
export function aggressorOfTaker(text: string | undefined): -1 | 0 | 1 {
  const side = text?.toLowerCase()
  if (side === 'buy') return 1
  if (side === 'sell') return -1
  if (side === 'unknown' || side === '') return 0
  return refuse(`expected a side buy or sell, found ${shown(text ?? 'nothing')}`)
}
