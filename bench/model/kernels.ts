import { env, InferenceSession, Tensor } from 'onnxruntime-web'
import type { Kernel } from '../../runtime/kernels.ts'
import { CAPACITY, mlp, P_STRIDE, X_STRIDE } from './mlp_wasm.ts'
import { mlpFile } from './onnx_file.ts'
import { softmax } from './softmax.ts'
import { INPUTS, OUTPUTS } from './weights.ts'

/** The model in WASM SIMD. The answer is overwritten by the next run. */
export function wasmMlp(): Kernel {
  const { x, p, run } = mlp()
  let answer = new Float64Array(64 * OUTPUTS)
  const longEnough = (rows: number) => {
    if (answer.length < rows * OUTPUTS) answer = new Float64Array(2 * rows * OUTPUTS)
  }
  /** Of what stands in `x`, to the `first`-th answer and on. */
  const answers = (rows: number, first: number) => {
    run(rows)
    for (let r = 0; r < rows; r++) softmax(p, r * P_STRIDE, answer, (first + r) * OUTPUTS)
    return answer
  }
  return {
    run(input, rows) {
      longEnough(rows)
      for (let first = 0; first < rows; first += CAPACITY) {
        const some = Math.min(CAPACITY, rows - first)
        for (let r = 0, from = first * INPUTS, to = 0; r < some; r++, to += X_STRIDE - INPUTS)
          for (const end = from + INPUTS; from < end; ) x[to++] = input[from++]!
        answers(some, first)
      }
      return answer
    },
    room: {
      numbers: x,
      stride: X_STRIDE,
      run(rows) {
        longEnough(rows)
        return answers(rows, 0)
      },
    },
  }
}

/** The model as an ONNX file on onnxruntime-web, one thread. The answer is overwritten by the next run. */
export async function onnxMlp(): Promise<Kernel> {
  env.wasm.numThreads = 1
  const session = await InferenceSession.create(mlpFile(), { executionProviders: ['wasm'] })
  let singles = new Float32Array(64 * INPUTS)
  let answer = new Float64Array(64 * OUTPUTS)
  return {
    async run(input, rows) {
      const length = rows * INPUTS
      if (singles.length < length) {
        singles = new Float32Array(2 * length)
        answer = new Float64Array(2 * rows * OUTPUTS)
      }
      for (let i = 0; i < length; i++) singles[i] = input[i]!
      const { p } = await session.run({ x: new Tensor('float32', singles.subarray(0, length), [rows, INPUTS]) })
      answer.set(p!.data as Float32Array)
      return answer
    },
    close() {
      void session.release()
    },
  }
}
