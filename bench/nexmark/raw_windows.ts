import type { Frame } from '../../schemas/frame.ts'
import type { Sheet } from '../fused/sheets.ts'
import { Auction, Bid, Person } from './kinds.ts'
import { AUCTIONS, PEOPLE } from './market.ts'

// q5, q7 and q8 as loops over columns. Time is that of the rows: the first one past an end closes the window.

const HOP = 2e6
const SIZE = 10e6
const PANES = SIZE / HOP
const endAfter = (at: number, every: number): number => (Math.floor(at / every) + 1) * every

export function rawHotItems(frames: readonly Frame[], into: Sheet): void {
  const panes = Array.from({ length: PANES }, () => new Uint32Array(AUCTIONS))
  const counts = new Uint32Array(AUCTIONS)
  let pane = panes[0]!
  let end = 0
  const close = () => {
    const oldest = panes[(end / HOP + 1) % PANES]!
    let most = 0
    for (let a = 0; a < AUCTIONS; a++) most = Math.max(most, counts[a]!)
    for (let a = 0; most > 0 && a < AUCTIONS; a++) if (counts[a] === most) into.data[into.row(end, a)] = most
    for (let a = 0; a < AUCTIONS; a++) counts[a] = counts[a]! - oldest[a]!
    oldest.fill(0)
    end += HOP
    pane = panes[(end / HOP) % PANES]!
  }
  for (const frame of frames) {
    if (frame.kind !== Bid.kind) continue
    const auction = frame.columns[0] as Float64Array
    for (let i = 0; i < frame.rows; i++) {
      const at = frame.at[i]!
      if (end === 0) {
        end = endAfter(at, HOP)
        pane = panes[(end / HOP) % PANES]!
      }
      while (at >= end) close()
      pane[auction[i]!]!++
      counts[auction[i]!]!++
    }
  }
  for (let left = 0; left < PANES; left++) close()
}

export function rawHighestBids(frames: readonly Frame[], into: Sheet): void {
  let end = 0
  let highest = 0
  let best: (readonly [auction: number, bidder: number, at: number])[] = []
  const close = () => {
    for (const [auction, bidder, at] of best) {
      const place = into.row(end, auction)
      into.data[place] = bidder
      into.data[place + 1] = highest
      into.data[place + 2] = at
    }
    best = []
    highest = 0
  }
  for (const frame of frames) {
    if (frame.kind !== Bid.kind) continue
    const [auctions, bidders, prices] = frame.columns as readonly Float64Array[]
    for (let i = 0; i < frame.rows; i++) {
      const at = frame.at[i]!
      if (at >= end) {
        close()
        end = endAfter(at, SIZE)
      }
      const price = prices![i]!
      if (price < highest) continue
      const auction = auctions![i]!
      if (price > highest) best = []
      else if (best.some(([other]) => other === auction)) continue
      highest = price
      best.push([auction, bidders![i]!, at])
    }
  }
  close()
}

export function rawNewSellers(frames: readonly Frame[], into: Sheet): void {
  const registered = new Uint8Array(PEOPLE)
  const selling = new Uint8Array(PEOPLE)
  let end = 0
  const close = () => {
    for (let person = 0; person < PEOPLE; person++)
      if (registered[person] === 1 && selling[person] === 1) into.data[into.row(end, person)] = end - SIZE
    registered.fill(0)
    selling.fill(0)
  }
  for (const frame of frames) {
    const seen = frame.kind === Person.kind ? registered : frame.kind === Auction.kind ? selling : undefined
    if (seen === undefined) continue
    const person = frame.columns[frame.kind === Person.kind ? 0 : 1] as Float64Array
    for (let i = 0; i < frame.rows; i++) {
      if (frame.at[i]! >= end) {
        close()
        end = endAfter(frame.at[i]!, SIZE)
      }
      seen[person[i]!] = 1
    }
  }
  close()
}
