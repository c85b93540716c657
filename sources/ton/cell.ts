/** A cell of TON: up to 1,023 bits and up to four cells below it. */
export interface Cell {
  readonly data: Uint8Array
  readonly bits: number
  readonly refs: readonly Cell[]
  /** A library or a proof, not data: it may stand in what a message only passes on. */
  readonly exotic: boolean
}
/** Deeper trees and larger bags are no message a pool sends. */
const MOST_CELLS = 4096

/**
 * The first root of a bag of cells (docs.ton.org, "Bag of cells", 2026-11): the generic form b5ee9c72, base64.
 * @throws RangeError where it is none
 */
export function parseBag(base64: string): Cell {
  const bytes = Buffer.from(base64, 'base64')
  let at = 0
  const take = (size: number): number => {
    const value = bytes.readUIntBE(at, size)
    at += size
    return value
  }
  if (bytes.length < 10 || take(4) !== 0xb5ee9c72) throw new RangeError('no bag of cells')
  const flags = take(1)
  const size = flags & 7
  const offsets = take(1)
  if (size < 1 || size > 4 || offsets < 1 || offsets > 6) throw new RangeError('bad sizes in a bag of cells')
  const count = take(size)
  const roots = take(size)
  at += size + offsets
  if (count > MOST_CELLS || roots < 1) throw new RangeError('too many cells, or no root')
  const root = take(size)
  at += (roots - 1) * size + ((flags & 0x80) !== 0 ? count * offsets : 0)
  const parts = Array.from({ length: count }, () => {
    const first = take(1)
    const second = take(1)
    const length = (second + 1) >> 1
    const data = bytes.subarray(at, at + length)
    at += length
    const whole = second % 2 === 0
    const bits = whole ? length * 8 : length * 8 - trailing(data[length - 1] ?? 0)
    return { data, bits, exotic: (first & 8) !== 0, below: Array.from({ length: first & 7 }, () => take(size)) }
  })
  // a cell refers only to cells behind it, so the last are built first
  const cells: Cell[] = Array(count)
  for (let n = count - 1; n >= 0; n--) {
    const { below, ...part } = parts[n] as (typeof parts)[number]
    const refs = below.map((ref) => {
      if (ref <= n || ref >= count) throw new RangeError('a cell that refers back')
      return cells[ref] as Cell
    })
    cells[n] = { ...part, refs }
  }
  const found = cells[root]
  if (found === undefined) throw new RangeError('no root')
  return found
}
/** Bits of the completion tag: a one and the zeros behind it. */
function trailing(byte: number): number {
  for (let n = 0; n < 8; n++) if ((byte & (1 << n)) !== 0) return n + 1
  throw new RangeError('no completion tag')
}

/** Reads a cell from its first bit on. Every method throws RangeError where there is nothing left. */
export class Slice {
  private readonly cell: Cell
  private at = 0
  private below = 0
  constructor(cell: Cell) {
    if (cell.exotic) throw new RangeError('an exotic cell where data was expected')
    this.cell = cell
  }

  get bitsLeft(): number {
    return this.cell.bits - this.at
  }
  get refsLeft(): number {
    return this.cell.refs.length - this.below
  }
  uint(bits: number): bigint {
    if (bits > this.bitsLeft) throw new RangeError('a cell ends early')
    let value = 0n
    for (let left = bits; left > 0; ) {
      const within = this.at % 8
      const some = Math.min(8 - within, left)
      const byte = this.cell.data[this.at >> 3] ?? 0
      value = (value << BigInt(some)) | BigInt((byte >> (8 - within - some)) & ((1 << some) - 1))
      this.at += some
      left -= some
    }
    return value
  }
  number(bits: number): number {
    return Number(this.uint(bits))
  }
  /** `VarUInteger 16`. */
  coins(): bigint {
    return this.uint(this.number(4) * 8)
  }
  /** The raw form; empty for `addr_none`. */
  address(): string {
    const tag = this.number(2)
    if (tag === 0) return ''
    if (tag === 1) {
      this.uint(this.number(9))
      return ''
    }
    if (tag !== 2 || this.number(1) !== 0) throw new RangeError('an address of another form')
    const workchain = BigInt.asIntN(8, this.uint(8))
    return `${workchain}:${this.uint(256).toString(16).padStart(64, '0')}`
  }
  ref(): Slice {
    const cell = this.cell.refs[this.below++]
    if (cell === undefined) throw new RangeError('a cell has too few below it')
    return new Slice(cell)
  }
  maybeRef(): Slice | undefined {
    return this.number(1) === 1 ? this.ref() : undefined
  }
}
