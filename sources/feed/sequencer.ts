import type { Gap } from '../../schemas/market.ts'
import type { Missing, Numbering } from './venue.ts'

/** A row by its number. Without a value it has a place in the sequence, and is not told. */
export interface Numbered<T> {
  readonly symbol: string
  readonly at: number
  readonly id: number
  readonly first?: number
  readonly value: T | undefined
}
/** Who is told what a sequencer finds, in order and once. */
export interface Teller<T> {
  readonly row: (row: Numbered<T>) => void
  /** The next `count` rows were asked for again. */
  readonly filled: (at: number, count: number) => void
  readonly gap: (at: number, gap: Gap) => void
}
/** `missing`: a hole has opened, and somebody may ask for what is in it. */
export type Verdict = 'told' | 'repeat' | 'held' | 'missing'

interface Held<T> {
  readonly row: Numbered<T>
  readonly filled: boolean
  /** Why continuity was not proven when it came: it is settled with whatever stands before it. */
  readonly doubt?: Gap['reason'] | undefined
}
/** A number that is not above the newest is a repeat, unless it comes this much later (µs): then the venue counts afresh. */
const AFRESH = 60e6
/** Where numbers only rise nothing is proven by them, and less is lost by believing. */
const AFRESH_ASCENDING = 5e6

/**
 * Puts the rows of one symbol in the order of their numbers, from one connection or several, with what was asked for
 * again, and tells what is missing. Rows told and numbers told missing are together the whole span, none twice.
 */
export class Sequencer<T> {
  private readonly numbering: Numbering
  /** Whether what is missing may still come: rows behind a hole are held until it is decided. */
  private readonly waits: boolean
  private readonly tell: Teller<T>
  private doubt: Gap['reason'] | undefined
  private spoken = false
  private last = 0
  private lastAt = 0
  /** Venues do not order the rows of one moment: one before the last may be later than it. */
  private latestAt = 0
  private readonly held = new Map<number, Held<T>>()
  private hole: Missing | undefined

  constructor(
    numbering: Numbering,
    reason: Gap['reason'],
    { waits, tell }: { readonly waits: boolean; readonly tell: Teller<T> },
  ) {
    this.numbering = numbering
    this.doubt = reason
    this.waits = waits && numbering === 'contiguous'
    this.tell = tell
  }

  get waiting(): number {
    return this.held.size
  }
  /** The time of the newest row that was told, 0 before the first. */
  get newest(): number {
    return this.lastAt
  }
  /** Why continuity is not proven, where it is not. */
  get doubted(): Gap['reason'] | undefined {
    return this.doubt
  }
  /** Whether a hole is open that `filled` or `concede` must close. */
  get missing(): Missing | undefined {
    return this.hole
  }

  /** Whether it was told before, or waits to be. */
  isRepeat(id: number, at: number): boolean {
    if (!this.spoken || this.unnumbered(id)) return false
    const rises = this.numbering === 'ascending'
    // an unchanged row may come again with a later time
    if (rises && id === this.last) return true
    const afresh = rises ? AFRESH_ASCENDING : AFRESH
    return id <= this.last ? at <= this.lastAt + afresh : this.held.size > 0 && this.held.has(id)
  }

  /** What another connection told may come again, but no later than the newest: it may be a venue that counts afresh. */
  isOddRepeat({ id, at }: Numbered<T>): boolean {
    return id <= this.last && at > this.latestAt
  }

  /** Where numbers only rise, one may be left out: 0. */
  private unnumbered(id: number): boolean {
    return this.numbering === 'none' || (this.numbering === 'ascending' && id === 0)
  }

  take(row: Numbered<T>): Verdict {
    const { id, at } = row
    if (this.doubt === undefined && this.hole === undefined && id === this.last + 1) {
      this.say(row)
      return 'told'
    }
    if (this.isRepeat(id, at)) return 'repeat'
    const first = row.first ?? id
    const afresh = this.spoken && id <= this.last && !this.unnumbered(id)
    // what is held was counted before
    if (afresh) this.concede()
    if (!this.spoken || afresh || this.numbering !== 'contiguous') {
      if (this.doubt !== undefined || afresh) this.gap(at, 0)
      this.say(row)
      return 'told'
    }
    if (first <= this.last + 1) {
      this.doubt = undefined
      this.say(row)
      return this.advance()
    }
    if (this.waits) {
      this.held.set(first, { row, filled: false, doubt: this.doubt })
      this.doubt = undefined
      if (this.hole !== undefined) return 'held'
      return this.open(row.symbol, first)
    }
    this.gap(at, first - this.last - 1)
    this.say(row)
    return 'told'
  }

  /** The connection is gone: the next number decides, unless time has to pass before it comes. */
  lose(reason: Gap['reason']): void {
    this.doubt ??= reason
  }

  /** What was asked for; what is still missing of it is given up, and told. */
  filled(rows: readonly Numbered<T>[]): Verdict {
    const { hole } = this
    if (hole === undefined) return 'told'
    for (const row of rows) {
      const first = row.first ?? row.id
      if (first >= hole.from && row.id <= hole.to && !this.held.has(first)) this.held.set(first, { row, filled: true })
    }
    return this.advance('give_up')
  }

  /** Nobody gives what is missing: every hole is told as a gap, and everything held behind it. */
  concede(): void {
    while (this.hole !== undefined) this.advance('give_up')
  }

  /** Time must pass and no number has come: the gap is told, and what follows is judged against the last number still. */
  pass(at: number): void {
    if (this.doubt !== undefined) this.gap(at, 0)
  }

  /** Tells what is held for as long as it follows. */
  private advance(inHole: 'wait' | 'give_up' = 'wait'): Verdict {
    for (;;) {
      const next = this.held.get(this.last + 1)
      if (next?.filled === true) this.run()
      else if (next !== undefined) {
        this.held.delete(this.last + 1)
        this.say(next.row)
      } else if (this.held.size === 0) {
        this.hole = undefined
        return 'told'
      } else if (this.hole !== undefined && this.last < this.hole.to) {
        if (inHole === 'wait') return 'held'
        this.skip(this.nearest())
      } else {
        const [first, symbol] = this.nearest()
        if (first > this.last + 1) return this.open(symbol, first)
        // it begins before what was told from elsewhere: what is new of it cannot be told apart
        this.skip([first, symbol])
      }
    }
  }
  /** Rows that were asked for again, as far as they go on. */
  private run(): void {
    const rows: Numbered<T>[] = []
    for (let next = this.last + 1, held = this.held.get(next); held?.filled === true; held = this.held.get(next)) {
      rows.push(held.row)
      this.held.delete(next)
      next = held.row.id + 1
    }
    const [first] = rows
    if (first === undefined) return
    const count = rows.filter(({ value }) => value !== undefined).length
    if (count > 0) this.tell.filled(first.at, count)
    for (const row of rows) this.say(row)
  }
  private skip([first]: readonly [number, string]): void {
    const { row, doubt } = this.held.get(first) as Held<T>
    this.held.delete(first)
    if (row.id <= this.last) return
    if (first > this.last + 1) this.tellGap(row.at, first - this.last - 1, doubt)
    this.say(row)
  }
  private nearest(): readonly [first: number, symbol: string] {
    let found: readonly [number, string] = [Number.POSITIVE_INFINITY, '']
    for (const [first, { row }] of this.held) if (first < found[0]) found = [first, row.symbol]
    return found
  }
  private open(symbol: string, before: number): Verdict {
    this.hole = { symbol, from: this.last + 1, to: before - 1, since: this.lastAt }
    return 'missing'
  }

  private gap(at: number, missing: number): void {
    this.tellGap(at, missing, this.doubt)
    this.doubt = undefined
  }
  private tellGap(at: number, missing: number, doubt: Gap['reason'] | undefined): void {
    this.tell.gap(at, { reason: doubt ?? 'sequence', missing, since: this.spoken ? this.lastAt : 0 })
  }
  private say(row: Numbered<T>): void {
    this.spoken = true
    this.last = row.id
    this.lastAt = row.at
    this.latestAt = Math.max(this.latestAt, row.at)
    this.tell.row(row)
  }
}
