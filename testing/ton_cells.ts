/** Builds a cell bit by bit: what tests send in place of a contract. */
export class CellBuilder {
  private bits = ''
  private readonly below: CellBuilder[] = []

  uint(value: bigint | number, bits: number): this {
    if (bits > 0) this.bits += BigInt(value).toString(2).padStart(bits, '0').slice(-bits)
    return this
  }
  coins(value: bigint): this {
    const bytes = value === 0n ? 0 : Math.ceil(value.toString(16).length / 2)
    return this.uint(bytes, 4).uint(value, bytes * 8)
  }
  /** Raw, or empty for none. */
  address(raw: string): this {
    if (raw === '') return this.uint(0, 2)
    const [workchain = '0', hash = ''] = raw.split(':')
    return this.uint(4, 3)
      .uint(BigInt.asUintN(8, BigInt(workchain)), 8)
      .uint(BigInt(`0x${hash}`), 256)
  }
  ref(cell: CellBuilder): this {
    this.below.push(cell)
    return this
  }

  /** A bag of cells in base64 with this as its root. */
  toBag(): string {
    const cells: CellBuilder[] = []
    const walk = (cell: CellBuilder): void => {
      cells.push(cell)
      for (const ref of cell.below) walk(ref)
    }
    walk(this)
    const parts = cells.map((cell) => {
      const whole = cell.bits.length % 8 === 0
      const bits = whole ? cell.bits : `${cell.bits}1`
      const data = (bits.match(/.{1,8}/g) ?? []).map((byte) => Number.parseInt(byte.padEnd(8, '0'), 2))
      const refs = cell.below.map((ref) => cells.indexOf(ref))
      return Buffer.from([refs.length, data.length * 2 - (whole ? 0 : 1), ...data, ...refs])
    })
    const body = Buffer.concat(parts)
    const head = [0xb5, 0xee, 0x9c, 0x72, 1, 2, cells.length, 1, 0, body.length >> 8, body.length & 255, 0]
    return Buffer.concat([Buffer.from(head), body]).toString('base64')
  }
}
export const cell = (): CellBuilder => new CellBuilder()
