import { keyGroup } from '../../runtime/key_groups.ts'
import { decodeFrame, type Frame } from '../../schemas/frame.ts'
import { FrameWriter } from '../../schemas/frame_writer.ts'
import { kinds } from '../../schemas/kinds.ts'
import { Heartbeat } from '../../schemas/market.ts'
import { Prng } from '../../sources/synthetic/prng.ts'
import { Auction, Bid, Person } from './kinds.ts'
import { auctionKey, personKey } from './samples.ts'

export const ROWS_PER_FRAME = 256
/** The hop of q5, and a part of every other window: sources say that time has come so far. */
const HEARTBEAT = 2e6
const TUMBLE = 10e6
/** A whole number of windows since 1970. */
const START = 1_700_000_040e6

/**
 * Nexmark has new ids for ever. A key of ours keeps its state for ever, so ids come round: an auction's after a window
 * and a third at the standard rate, long after its last bid.
 */
export const AUCTIONS = 8_000
export const PEOPLE = 4_000
/** Bids go to the newest auctions, everything else comes from the newest people. */
const IN_FLIGHT = 100
const ACTIVE = 1_000
/** One of so many is hot. */
const HOT = 100
const CATEGORIES = 5
const decades = [1e2, 1e3, 1e4, 1e5, 1e6, 1e7]

const firstNames = ['Peter', 'Paul', 'Luke', 'John', 'Saul', 'Vicky', 'Kate', 'Julie', 'Sarah', 'Deiter', 'Walter']
const lastNames = ['Shultz', 'Abrams', 'Spencer', 'White', 'Bartels', 'Walton', 'Smith', 'Jones', 'Noris']
const keysOf = (count: number, key: (id: number) => string) => Array.from({ length: count }, (_, id) => key(id))
/** One key of each key group. */
const everyGroup = (keys: readonly string[]) => new Map(keys.map((key) => [keyGroup(key), key])).values()

export interface Market {
  readonly events: number
  /** µs between two events, on average: 100 are the ten thousand events a second of the original. */
  readonly spacing?: number
  readonly seed?: number
  /** Rows of a frame, at most. */
  readonly block?: number
}
export interface Records {
  readonly records: readonly Uint8Array[]
  /** µs of event time after which the same records may come again. */
  readonly span: number
}

/** 2 % persons, 6 % auctions, 92 % bids as frames, one feed each, with a heartbeat at every hop. */
export function makeMarket({ events, spacing = 100, seed = 1, block = ROWS_PER_FRAME }: Market): Records {
  const chance = new Prng(seed)
  const below = (bound: number) => Math.floor(chance.uniform() * bound)
  const auctionKeys = keysOf(AUCTIONS, auctionKey)
  const personKeys = keysOf(PEOPLE, personKey)
  const records: Uint8Array[] = []
  const writers = {
    persons: new FrameWriter(Person, 'persons', { capacity: block }),
    auctions: new FrameWriter(Auction, 'auctions', { capacity: block }),
    bids: new FrameWriter(Bid, 'bids', { capacity: block }),
  }
  const hearts = ['persons', 'auctions', 'bids'].map((origin) => new FrameWriter(Heartbeat, origin, { capacity: 1 }))
  const put = (writer: FrameWriter, at: number, key: string, value: Person | Auction | Bid) => {
    writer.push(at, key, value)
    if (writer.rows === block) records.push(writer.take())
  }
  // a feed that has not spoken in a group holds nobody up there, and then comes late
  for (const writer of hearts) {
    for (const key of everyGroup(personKeys)) writer.push(START, key, { end: false })
    records.push(writer.take())
  }
  // what came before the boundary is in the log before it: no feed is ahead of another by more than a hop
  const beat = (at: number) => {
    for (const writer of Object.values(writers)) if (writer.rows > 0) records.push(writer.take())
    for (const writer of hearts) {
      writer.push(at, '*', { end: false })
      records.push(writer.take())
    }
  }
  // cents, as many in each of six decades
  const price = () => Math.round(decades[below(decades.length)]! * (1 + 9 * chance.uniform()))
  let [people, opened] = [0, 0]
  const hotPerson = () => people - 1 - ((people - 1) % HOT)
  const anybody = () => people - 1 - below(Math.min(people, ACTIVE))
  let time = START + spacing
  let boundary = START + HEARTBEAT
  for (let event = 0; event < events; event++) {
    for (; time >= boundary; boundary += HEARTBEAT) beat(boundary)
    const place = event % 50
    if (place === 0) {
      const person = people++ % PEOPLE
      const name = `${firstNames[below(firstNames.length)]} ${lastNames[below(lastNames.length)]}`
      put(writers.persons, time, personKeys[person]!, { person, name })
    } else if (place < 4) {
      const auction = opened++ % AUCTIONS
      const seller = (below(4) > 0 ? hotPerson() : anybody()) % PEOPLE
      const initial_bid = price()
      const reserve = initial_bid + price()
      const value = { auction, seller, category: 10 + below(CATEGORIES), initial_bid, reserve }
      put(writers.auctions, time, personKeys[seller]!, value)
    } else {
      const newest = opened - 1
      const number = below(2) > 0 ? newest - (newest % HOT) : newest - below(Math.min(opened, IN_FLIGHT))
      const auction = number % AUCTIONS
      const bidder = (below(4) > 0 ? hotPerson() : anybody()) % PEOPLE
      put(writers.bids, time, auctionKeys[auction]!, { auction, bidder, price: price() })
    }
    time += 10 + below(2 * spacing - 19)
  }
  // until the last window is closed, and time has passed its end
  const end = Math.ceil(time / TUMBLE) * TUMBLE + TUMBLE
  for (; boundary <= end + HEARTBEAT; boundary += HEARTBEAT) beat(boundary)
  return { records, span: end + TUMBLE - START }
}

const known = { ...kinds, [Person.kind]: Person, [Auction.kind]: Auction, [Bid.kind]: Bid }
export const decoded = (records: readonly Uint8Array[]): readonly Frame[] => records.map((r) => decodeFrame(r, known))
