/**
 * Chance from a seed: sfc32 by Chris Doty-Humphrey (PractRand 0.95), which is public domain. The same seed gives the
 * same numbers on every machine; only integer operations, logarithms and square roots are used.
 */
export class Prng {
  private a: number
  private b: number
  private c: number
  private count = 1
  private spare = 0
  private hasSpare = false

  /** `stream` tells apart the independent numbers that one seed gives. */
  constructor(seed: number, stream = 0) {
    this.a = seed >>> 0
    this.b = Math.floor(seed / 4_294_967_296) >>> 0
    this.c = stream >>> 0
    for (let i = 0; i < 15; i++) this.next()
  }

  /** A whole number of 32 bits. */
  next(): number {
    const { b, c } = this
    const sum = (this.a + b + this.count) | 0
    this.count = (this.count + 1) | 0
    this.a = b ^ (b >>> 9)
    this.b = (c + (c << 3)) | 0
    this.c = (((c << 21) | (c >>> 11)) + sum) | 0
    return sum >>> 0
  }

  /** 0 < x < 1. */
  uniform(): number {
    return (this.next() + 0.5) / 4_294_967_296
  }

  /** Mean 0, standard deviation 1, by Marsaglia's polar method. */
  normal(): number {
    if (this.hasSpare) {
      this.hasSpare = false
      return this.spare
    }
    for (;;) {
      const x = 2 * this.uniform() - 1
      const y = 2 * this.uniform() - 1
      const square = x * x + y * y
      if (square >= 1) continue
      const factor = Math.sqrt((-2 * Math.log(square)) / square)
      this.spare = y * factor
      this.hasSpare = true
      return x * factor
    }
  }
}
