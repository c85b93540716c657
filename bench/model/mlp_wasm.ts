import { mlpBytes } from './mlp_bytes.ts'
import { FIRST, INPUTS, OUTPUTS, SECOND, weights } from './weights.ts'

// The part of WebAssembly that is used here: the types of Node leave it to those of browsers.
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object) => { readonly exports: unknown }
}
interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer }
  readonly mlpN: (rows: number) => void
  readonly pw1: () => number
  readonly pb1: () => number
  readonly pw2: () => number
  readonly pb2: () => number
  readonly pw3: () => number
  readonly pb3: () => number
  readonly pX: () => number
  readonly pP: () => number
}

/** Rows the matrices hold. */
export const CAPACITY = 4096
/** Numbers from one row to the next: 41 inputs and 3 zeros, 3 scores and nothing. */
export const X_STRIDE = 44
export const P_STRIDE = 4

/** An instance of the kernel: `run(n)` reads n rows of `x` and writes n rows of scores to `p`, before softmax. */
export interface Mlp {
  readonly x: Float32Array
  readonly p: Float32Array
  readonly run: (rows: number) => void
}

export function mlp(): Mlp {
  const module = new WebAssembly.Module(Buffer.from(mlpBytes, 'base64'))
  const own = new WebAssembly.Instance(module).exports as Exports
  const floats = (place: number, length: number) => new Float32Array(own.memory.buffer, place, length)
  const w1 = floats(own.pw1(), FIRST * X_STRIDE)
  for (let j = 0; j < FIRST; j++) w1.set(weights.w1.subarray(j * INPUTS, (j + 1) * INPUTS), j * X_STRIDE)
  floats(own.pb1(), FIRST).set(weights.b1)
  floats(own.pw2(), SECOND * FIRST).set(weights.w2)
  floats(own.pb2(), SECOND).set(weights.b2)
  floats(own.pw3(), OUTPUTS * SECOND).set(weights.w3)
  floats(own.pb3(), OUTPUTS).set(weights.b3)
  return { x: floats(own.pX(), CAPACITY * X_STRIDE), p: floats(own.pP(), CAPACITY * P_STRIDE), run: own.mlpN }
}
