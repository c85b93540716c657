import { FIRST, INPUTS, OUTPUTS, SECOND, weights } from './weights.ts'

/** A layer: its weights, four outputs side by side, the last ones filled up with zeros. */
function layer(given: Float32Array, biases: Float32Array, inputs: number, outputs: number) {
  const width = Math.ceil(outputs / 4) * 4
  const w = new Float64Array(width * inputs)
  const b = new Float64Array(width)
  b.set(biases)
  for (let j = 0; j < outputs; j++)
    for (let i = 0; i < inputs; i++) w[Math.floor(j / 4) * 4 * inputs + i * 4 + (j % 4)] = given[j * inputs + i]!
  return { w, b, inputs, y: new Float64Array(width) }
}
type Layer = ReturnType<typeof layer>

/** Four sums at a time: none of them waits for another. */
function dense(x: Float64Array, { w, b, inputs, y }: Layer): Float64Array {
  let k = 0
  for (let j = 0; j < y.length; j += 4) {
    let p = b[j]!
    let q = b[j + 1]!
    let r = b[j + 2]!
    let s = b[j + 3]!
    for (let i = 0; i < inputs; i++, k += 4) {
      const v = x[i]!
      p += w[k]! * v
      q += w[k + 1]! * v
      r += w[k + 2]! * v
      s += w[k + 3]! * v
    }
    y[j] = p
    y[j + 1] = q
    y[j + 2] = r
    y[j + 3] = s
  }
  return y
}
function relu(y: Float64Array): Float64Array {
  for (let i = 0; i < y.length; i++) if (y[i]! < 0) y[i] = 0
  return y
}

const { w1, b1, w2, b2, w3, b3 } = weights
const first = layer(w1, b1, INPUTS, FIRST)
const second = layer(w2, b2, FIRST, SECOND)
const third = layer(w3, b3, SECOND, OUTPUTS)

/**
 * The model in plain arithmetic: weights in single precision, everything else in double, so that answers lie about 1e-6
 * from those of the other forms. The three scores are overwritten by the next call.
 */
export const plainScores = (x: Float64Array): Float64Array => dense(relu(dense(relu(dense(x, first)), second)), third)
