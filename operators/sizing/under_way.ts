import type { OrderUpdate } from '../../schemas/orders.ts'

/** What the fills say is held, and what the orders under way would add to it. */
export interface Book {
  held: bigint
  coming: bigint
}

/**
 * An order is under way from the word that the venue accepted it until it is filled or cancelled. One that a gate
 * refused, or the venue rejected, was never under way, so it holds nothing up.
 */
export function follow(book: Book, { state, side, quantity }: OrderUpdate): void {
  if (state === 'rejected') return
  const change = side === 'buy' ? quantity : -quantity
  book.coming += state === 'accepted' ? change : -change
}

/** The position once everything under way is filled. */
export const expected = ({ held, coming }: Book): bigint => held + coming
