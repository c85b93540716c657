/** Widths of the layers: inputs, two hidden ones, outputs. */
export const INPUTS = 41
export const FIRST = 64
export const SECOND = 32
export const OUTPUTS = 3

function chances(seed: number): () => number {
  let s = seed
  return () => {
    s = (s + 0x6d2b79f5) >>> 0
    let t = Math.imul(s ^ (s >>> 15), 1 | s)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

function seeded() {
  const chance = chances(30)
  const some = (count: number, scale: number) =>
    Float32Array.from({ length: count }, () => (chance() + chance() + chance() - 1.5) * scale)
  return {
    w1: some(FIRST * INPUTS, 0.3),
    b1: some(FIRST, 0.1),
    w2: some(SECOND * FIRST, 0.25),
    b2: some(SECOND, 0.1),
    w3: some(OUTPUTS * SECOND, 0.5),
    b3: some(OUTPUTS, 0.1),
  }
}
/** Weights of the model, a row per output: random, not trained, in single precision. The seed is one that trades both ways. */
export const weights: Readonly<Record<'w1' | 'b1' | 'w2' | 'b2' | 'w3' | 'b3', Float32Array>> = seeded()
