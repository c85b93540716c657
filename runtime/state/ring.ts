/** A window of fixed length over doubles. `push` gives back what fell out; it starts full of `empty`. */
export class Ring {
  readonly data: Float64Array
  /** Where the next value goes. */
  next = 0
  /** How many values were pushed, up to the length. */
  count = 0
  constructor(length: number, empty = 0) {
    this.data = new Float64Array(length).fill(empty)
  }
  push(value: number): number {
    const { data } = this
    const place = this.next
    const old = data[place] as number
    data[place] = value
    this.next = place + 1 === data.length ? 0 : place + 1
    if (this.count < data.length) this.count++
    return old
  }
  get full(): boolean {
    return this.count === this.data.length
  }
}

/** By shape, not by class: a project may hold a second copy of the library. */
export const isRing = (value: unknown): value is Ring =>
  typeof value === 'object' &&
  value !== null &&
  (value as Ring).data instanceof Float64Array &&
  typeof (value as Ring).next === 'number'
