import type { Frame } from '../../schemas/frame.ts'
import type { Sheet } from '../fused/sheets.ts'
import { Bid } from './kinds.ts'

// q0 to q2 as loops over columns: what each bid needs, and nothing else.

export function rawPass(frames: readonly Frame[], into: Sheet): void {
  for (const frame of frames) {
    if (frame.kind !== Bid.kind) continue
    const [auction, bidder, price] = frame.columns as readonly Float64Array[]
    for (let i = 0; i < frame.rows; i++) {
      const place = into.row(frame.at[i]!, auction![i]!)
      into.data[place] = bidder![i]!
      into.data[place + 1] = price![i]!
    }
  }
}
export function rawConvert(frames: readonly Frame[], into: Sheet): void {
  for (const frame of frames) {
    if (frame.kind !== Bid.kind) continue
    const [auction, bidder, price] = frame.columns as readonly Float64Array[]
    for (let i = 0; i < frame.rows; i++) {
      const place = into.row(frame.at[i]!, auction![i]!)
      into.data[place] = bidder![i]!
      into.data[place + 1] = price![i]! * 0.908
    }
  }
}
export function rawPick(frames: readonly Frame[], into: Sheet): void {
  for (const frame of frames) {
    if (frame.kind !== Bid.kind) continue
    const [auction, , price] = frame.columns as readonly Float64Array[]
    for (let i = 0; i < frame.rows; i++) {
      if (auction![i]! % 123 !== 0) continue
      const place = into.row(frame.at[i]!, auction![i]!)
      into.data[place] = price![i]!
    }
  }
}
