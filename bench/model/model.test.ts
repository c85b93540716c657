import { describe, expect, test } from 'vitest'
import type { Kernel } from '../../runtime/kernels.ts'
import { makeFeed, spanOf } from '../fused/feed.ts'
import type { Start } from '../fused/variants.ts'
import { compiled, compiledOnnx, compiledPlain, interpreter, interpreterOnnx } from './engines.ts'
import { handFused } from './hand_fused.ts'
import { onnxMlp, wasmMlp } from './kernels.ts'
import { plainScores } from './plain.ts'
import { softmax } from './softmax.ts'
import { INPUTS, OUTPUTS } from './weights.ts'

const ROWS = 300
const input = Float64Array.from({ length: ROWS * INPUTS }, (_, i) => 3 * Math.sin(i * i))
const plain = new Float64Array(ROWS * OUTPUTS)
for (let r = 0; r < ROWS; r++) softmax(plainScores(input.slice(r * INPUTS, (r + 1) * INPUTS)), 0, plain, r * OUTPUTS)

const forms: readonly (readonly [string, () => Kernel | Promise<Kernel>])[] = [
  ['WASM SIMD', wasmMlp],
  ['onnxruntime-web', onnxMlp],
]
async function inBatches(kernel: Kernel, size: number): Promise<Float64Array> {
  const all = new Float64Array(ROWS * OUTPUTS)
  for (let first = 0; first < ROWS; first += size) {
    const rows = Math.min(size, ROWS - first)
    const answer = await kernel.run(input.slice(first * INPUTS, (first + rows) * INPUTS), rows)
    all.set(answer.subarray(0, rows * OUTPUTS), first * OUTPUTS)
  }
  return all
}

describe.each(forms)('the model in %s', (_name, make) => {
  test('agrees with plain arithmetic within 1e-5', async () => {
    const kernel = await make()
    const answer = await inBatches(kernel, ROWS)
    expect(Math.max(...answer.map((value, i) => Math.abs(value - plain[i]!)))).toBeLessThan(1e-5)
    kernel.close?.()
  })
  test('gives the same bits again, and in batches of any size', async () => {
    const kernel = await make()
    const other = await make()
    const once = await inBatches(kernel, ROWS)
    for (const size of [1, 2, 3, 5, 8, 16, 17, 64, 257, ROWS]) {
      expect(await inBatches(kernel, size)).toEqual(once)
      expect(await inBatches(other, size)).toEqual(once)
    }
    kernel.close?.()
    other.close?.()
  })
})

test('the WASM kernel takes more rows than its matrices hold', () => {
  const rows = 5000
  const many = Float64Array.from({ length: rows * INPUTS }, (_, i) => input[i % input.length]!)
  const few = (wasmMlp().run(input, ROWS) as Float64Array).slice(0, ROWS * OUTPUTS)
  const answer = wasmMlp().run(many, rows) as Float64Array
  for (let i = 0; i < rows * OUTPUTS; i++) if (answer[i] !== few[i % few.length]) expect.fail(`number ${i} differs`)
})

async function found(start: Start): Promise<Readonly<Record<string, string>>[]> {
  const feed = makeFeed(10, 60_000)
  const running = await start(feed)
  const passes: Record<string, string>[] = []
  for (let pass = 0; pass < 3; pass++) {
    if (pass > 0) running.shift(spanOf(feed))
    running.sheets.clear()
    await running.pass()
    const { sheets } = running
    passes.push(Object.fromEntries(sheets.names.map((edge) => [edge, `${sheets.rows(edge)} ${sheets.digest(edge)}`])))
  }
  return passes
}
test('the loop written by hand finds what the engine finds with the model as a kernel, bit for bit', async () => {
  const byHand = await found(handFused)
  expect(byHand).toEqual(await found(interpreter))
  expect(byHand).toEqual(await found(compiled))
  expect(byHand.at(-1)!['fill']).not.toMatch(/^0 /)
})
test('with the model in plain arithmetic the bars are the same', async () => {
  const [one, two] = [await found(interpreter), await found(compiledPlain)]
  expect(two.map(({ second }) => second)).toEqual(one.map(({ second }) => second))
  expect(two.map(({ probabilities }) => probabilities)).not.toEqual(one.map(({ probabilities }) => probabilities))
})
test('an asynchronous kernel, ONNX, gives the same bits compiled and interpreted', async () => {
  const once = await found(compiledOnnx)
  expect(once).toEqual(await found(interpreterOnnx))
  expect(once.at(-1)!['fill']).not.toMatch(/^0 /)
})
