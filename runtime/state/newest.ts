import type { Kind } from '../../schemas/kind.ts'
import { type Flat, flatOf } from './flat.ts'
import type { Slots } from './layout.ts'

/** The newest message of an edge, per key, for `latest` ports. */
export class Newest {
  readonly flat: Flat
  /** 1 where a message has come. */
  spoken = new Uint8Array(0)
  slots: Slots = { real: new Float64Array(0), whole: new BigInt64Array(0) }

  constructor(kind: Kind) {
    this.flat = flatOf(kind)
  }

  grow(keys: number): void {
    const [spoken, real] = [new Uint8Array(keys), new Float64Array(keys * this.flat.width)]
    spoken.set(this.spoken)
    // as whole numbers: a NaN keeps all its bits
    const whole = new BigInt64Array(real.buffer)
    whole.set(this.slots.whole)
    this.spoken = spoken
    this.slots = { real, whole }
  }
  get(code: number): unknown {
    return this.spoken[code] === 1 ? this.flat.take(this.slots, code * this.flat.width) : undefined
  }
  set(code: number, value: unknown): void {
    this.spoken[code] = 1
    this.flat.put(this.slots, code * this.flat.width, value)
  }
  clear(code: number): void {
    this.spoken[code] = 0
    this.slots.whole.fill(0n, code * this.flat.width, (code + 1) * this.flat.width)
  }
}
