import type { Kernel } from '../../runtime/kernels.ts'
import { onnxMlp, wasmMlp } from './kernels.ts'
import { plainScores } from './plain.ts'
import { softmax } from './softmax.ts'
import { INPUTS, OUTPUTS } from './weights.ts'

/** CPU of one row in each form, by how many rows run at once, ns. */
export type KernelCost = Readonly<Record<string, Readonly<Record<string, number>>>>

const BATCHES = [1, 8, 64]
/** ns of CPU before measuring, and while: the best of what was measured counts. */
const WARM = 500e6
const LEAST = 500e6

function plainMlp(): Kernel {
  const row = new Float64Array(INPUTS)
  const answer = new Float64Array(64 * OUTPUTS)
  return {
    run(input, rows) {
      for (let r = 0; r < rows; r++) {
        for (let i = 0; i < INPUTS; i++) row[i] = input[r * INPUTS + i]!
        softmax(plainScores(row), 0, answer, r * OUTPUTS)
      }
      return answer
    },
  }
}

async function cost({ run }: Kernel, rows: number): Promise<number> {
  const input = Float64Array.from({ length: rows * INPUTS }, (_, i) => Math.sin(i))
  const runs = Math.ceil(2000 / rows)
  let least = Number.POSITIVE_INFINITY
  for (let spent = -WARM; spent < LEAST; ) {
    const before = process.cpuUsage()
    for (let i = 0; i < runs; i++) {
      const answer = run(input, rows)
      if (answer instanceof Promise) await answer
    }
    const { user, system } = process.cpuUsage(before)
    const time = (user + system) * 1e3
    spent += time
    if (spent > 0) least = Math.min(least, time / (runs * rows))
  }
  return least
}

const kernels = { plain: plainMlp(), wasm: wasmMlp(), onnx: await onnxMlp() }
const costs: Record<string, Record<string, number>> = {}
for (const [name, kernel] of Object.entries(kernels)) {
  costs[name] = {}
  for (const rows of BATCHES) costs[name][rows] = await cost(kernel, rows)
  kernel.close?.()
}
process.stdout.write(JSON.stringify(costs))
