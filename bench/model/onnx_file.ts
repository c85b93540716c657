import { FIRST, INPUTS, OUTPUTS, SECOND, weights } from './weights.ts'

// Protocol buffers, as far as an ONNX model needs them. Field numbers: onnx.proto of ONNX.

const text = (words: string): Uint8Array => Buffer.from(words)
function varint(value: number): Uint8Array {
  const bytes: number[] = []
  let rest = value
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128)
  return Uint8Array.of(...bytes, rest)
}
/** A whole number, or what is written with its length in front: a text, a message, the bytes of an array. */
const field = (number: number, value: number | Uint8Array): Uint8Array =>
  typeof value === 'number'
    ? Buffer.concat([varint(number * 8), varint(value)])
    : Buffer.concat([varint(number * 8 + 2), varint(value.length), value])
const message = (...fields: readonly Uint8Array[]): Uint8Array => Buffer.concat(fields)

const FLOAT = 1
const tensor = (name: string, dims: readonly number[], values: Float32Array) =>
  message(
    ...dims.map((dim) => field(1, dim)),
    field(2, FLOAT),
    field(8, text(name)),
    field(9, new Uint8Array(values.buffer, values.byteOffset, values.byteLength)),
  )
const INT = 2
const whole = (name: string, value: number) => field(5, message(field(1, text(name)), field(3, value), field(20, INT)))
const node = (op: string, inputs: readonly string[], output: string, ...attributes: readonly Uint8Array[]) =>
  message(...inputs.map((name) => field(1, text(name))), field(2, text(output)), field(4, text(op)), ...attributes)
/** Rows of `width` floats; how many is left open. */
function port(name: string, width: number) {
  const shape = message(field(1, field(2, text('rows'))), field(1, field(1, width)))
  return message(field(1, text(name)), field(2, field(1, message(field(1, FLOAT), field(2, shape)))))
}

/** The model as an ONNX file: `x`, rows of 41, to `p`, rows of 3 probabilities. */
export function mlpFile(): Uint8Array {
  const { w1, b1, w2, b2, w3, b3 } = weights
  const dense = (x: string, number: number, y: string) =>
    node('Gemm', [x, `w${number}`, `b${number}`], y, whole('transB', 1))
  const nodes = [
    dense('x', 1, 'h1'),
    node('Relu', ['h1'], 'r1'),
    dense('r1', 2, 'h2'),
    node('Relu', ['h2'], 'r2'),
    dense('r2', 3, 'scores'),
    node('Softmax', ['scores'], 'p', whole('axis', 1)),
  ]
  const tensors = [
    tensor('w1', [FIRST, INPUTS], w1),
    tensor('b1', [FIRST], b1),
    tensor('w2', [SECOND, FIRST], w2),
    tensor('b2', [SECOND], b2),
    tensor('w3', [OUTPUTS, SECOND], w3),
    tensor('b3', [OUTPUTS], b3),
  ]
  const graph = message(
    ...nodes.map((bytes) => field(1, bytes)),
    field(2, text('mlp')),
    ...tensors.map((bytes) => field(5, bytes)),
    field(11, port('x', INPUTS)),
    field(12, port('p', OUTPUTS)),
  )
  // The format is that of 2021 (IR 7, operators 13): every runtime of today reads it.
  return message(field(1, 7), field(7, graph), field(8, message(field(1, text('')), field(2, 13))))
}
