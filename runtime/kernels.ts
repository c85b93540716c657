import { TidegateError } from '../schemas/errors.ts'
import type { Network, Running } from './network.ts'
import type { Plan } from './plan.ts'
import { type Flat, flatOf } from './state/flat.ts'
import { type Slots, slots } from './state/layout.ts'

/** Work on many rows at once that no handler can do: a model, a native library, a remote service. */
export interface Kernel {
  /**
   * `input` holds the fields of `rows` messages, row after row, `false` and first enum values as 0; the answer the fields
   * of as many. Both may be longer; the answer is read before the next call. Equal rows must get equal bits, whatever
   * stands beside them.
   */
  run(input: Float64Array, rows: number): Answers
  readonly room?: Room
  close?(): void
}
type Answers = Float64Array | Promise<Float64Array>
/**
 * Memory of one kernel alone, in single precision, where questions are written so that it need not copy them. More than it
 * holds go to `run` of the kernel, rounded as here, and so do all that come later.
 */
export interface Room {
  readonly numbers: Float32Array
  /** From the first number of a row to that of the next. */
  readonly stride: number
  /** As `run` of the kernel, on what stands here. */
  run(rows: number): Answers
}

/** What was asked of a kernel in the moment at hand. */
export class Batch {
  readonly node: Running
  readonly kernel: Kernel
  readonly input: Flat
  readonly output: Flat
  questions: { readonly real: Float64Array | Float32Array }
  /** Numbers from one question to the next. */
  private stride: number
  private room: Room | undefined
  rows = 0
  codes: number[] = []
  times: number[] = []
  /** Those of the questions that are being answered. */
  spare: { codes: number[]; times: number[] } = { codes: [], times: [] }
  /** What an answer is read from. */
  readonly from: { real: Float64Array; whole: BigInt64Array } = slots(0)
  private readonly kernels: Kernels

  constructor(kernels: Kernels, node: Running, kernel: Kernel) {
    this.kernels = kernels
    this.node = node
    this.kernel = kernel
    this.input = flatOf(node.planned.operator.inputs['in'] as never)
    this.output = flatOf(node.planned.operator.output as never)
    const { width } = this.input
    const { room } = kernel
    if (
      room !== undefined &&
      !(Number.isInteger(room.stride) && room.stride >= width && room.numbers.length >= room.stride)
    )
      throw new TidegateError(
        'KERNEL_FAILED',
        `node "${node.planned.id}": the kernel lends too little: expected rows of ${width} numbers, found ${room.numbers.length} in rows of ${room.stride}`,
        { node: node.planned.id },
      )
    this.room = room
    this.questions = { real: room?.numbers ?? new Float64Array(width * 8) }
    this.stride = room?.stride ?? width
  }
  /** Takes a question; gives the slot where it begins. */
  take(code: number, at: number): number {
    if ((this.rows + 1) * this.stride > this.questions.real.length) this.grow()
    const start = this.rows * this.stride
    this.codes[this.rows] = code
    this.times[this.rows] = at
    this.rows++
    this.kernels.asked++
    return start
  }
  private grow(): void {
    const { width } = this.input
    const { real } = this.questions
    const longer = new Float64Array(2 * (this.rows + 1) * width)
    for (let row = 0; row < this.rows; row++)
      longer.set(real.subarray(row * this.stride, row * this.stride + width), row * width)
    this.questions = { real: longer }
    this.stride = width
    this.room = undefined
  }
  /** Has the kernel answer the questions. */
  run(rows: number): Answers {
    if (this.room !== undefined) return this.room.run(rows)
    const real = this.questions.real as Float64Array
    // what a kernel that lends memory is told does not depend on whether it fitted there
    if (this.kernel.room !== undefined)
      for (let i = 0; i < rows * this.input.width; i++) real[i] = Math.fround(real[i] as number)
    return this.kernel.run(real, rows)
  }
}
interface Told {
  answer(node: Running, code: number, at: number, value: unknown): void
  failed(node: Running, code: number, at: number, cause: unknown): void
}

/**
 * Kernels are asked in the course of a moment (one row's pass, or all timers of one boundary of one key group) and run
 * at its end, once for all rows of the moment. Their answers are passes of their own, kernel by kernel in node order, in
 * the order asked, before anything else happens: batches, and how long a kernel takes, change no output.
 */
export class Kernels {
  readonly any: boolean
  /** Questions without an answer. */
  asked = 0
  /** A kernel that answers later. */
  running: Promise<void> | undefined
  private readonly network: Network
  private readonly batches: readonly Batch[]
  readonly of: readonly (Batch | undefined)[]
  private readonly told: Told

  constructor(network: Network, opened: ReadonlyMap<string, Kernel>, told: Told) {
    this.network = network
    this.told = told
    this.of = network.nodes.map((node) => {
      const { operator, id } = node.planned
      if (operator.kernel === undefined) return undefined
      const kernel = opened.get(id)
      if (kernel === undefined) throw new TypeError(`node ${id}: its kernel is not open; see openEngine`)
      return new Batch(this, node, kernel)
    })
    this.batches = this.of.filter((b) => b !== undefined)
    this.any = this.batches.length > 0
    const lent = this.batches.flatMap(({ kernel }) => kernel.room?.numbers ?? [])
    if (new Set(lent).size < lent.length)
      throw new TidegateError(
        'KERNEL_FAILED',
        'two nodes share the memory a kernel lends: each must open a kernel of its own',
      )
  }

  ask(node: Running, code: number, at: number, value: unknown): void {
    const batch = this.of[node.index] as Batch
    const start = batch.take(code, at)
    batch.input.put(batch.questions as Slots, start, value)
  }

  /** Something must be answered before anything else happens. */
  get busy(): boolean {
    return this.asked > 0 || this.running !== undefined
  }

  /** Answers what was asked; false where that takes until later. */
  settled(): boolean {
    return this.running === undefined && this.run() === undefined
  }
  /** Runs all that is asked, and what is asked by the answers. A promise stays in `running` until it is kept. */
  run(): void | Promise<void> {
    while (this.asked > 0) {
      const batch = this.next()
      const { rows, codes, times } = batch
      // what the answers ask is written beside them
      batch.codes = batch.spare.codes
      batch.times = batch.spare.times
      batch.spare = { codes, times }
      batch.rows = 0
      this.asked -= rows
      let answers: Answers
      try {
        answers = batch.run(rows)
      } catch (cause) {
        this.fail(batch, rows, cause)
        continue
      }
      if (answers instanceof Float64Array) this.deliver(batch, rows, answers)
      else {
        this.running = this.later(batch, rows, answers)
        return this.running
      }
    }
    return undefined
  }
  private async later(batch: Batch, rows: number, answers: Promise<Float64Array>): Promise<void> {
    let kept: Float64Array | undefined
    let cause: unknown
    try {
      kept = await answers
    } catch (error) {
      cause = error
    }
    this.running = undefined
    if (kept === undefined) this.fail(batch, rows, cause)
    else this.deliver(batch, rows, kept)
    await this.run()
  }
  private next(): Batch {
    for (const batch of this.batches) if (batch.rows > 0) return batch
    throw new TypeError('no kernel is asked')
  }

  private deliver(batch: Batch, rows: number, answers: Float64Array): void {
    const { node, output, from } = batch
    if (answers.length < rows * output.width) {
      this.fail(batch, rows, new Error(`expected ${rows} x ${output.width} numbers, found ${answers.length}`))
      return
    }
    from.real = answers
    const { codes, times } = batch.spare
    for (let row = 0; row < rows; row++) {
      const code = codes[row] as number
      if (this.network.isBroken(node, code)) continue
      this.network.soil(code)
      this.told.answer(node, code, times[row] as number, output.take(from, row * output.width))
    }
  }
  private fail({ node, spare: { codes, times } }: Batch, rows: number, cause: unknown): void {
    for (let row = 0; row < rows; row++)
      if (!this.network.isBroken(node, codes[row] as number))
        this.told.failed(node, codes[row] as number, times[row] as number, cause)
  }
}

/** Opens the kernels of a plan: models are loaded, connections made. @throws KERNEL_FAILED naming the node */
export async function openKernels(plan: Plan): Promise<ReadonlyMap<string, Kernel>> {
  const opened = new Map<string, Kernel>()
  for (const { id, operator, params } of plan.nodes) {
    if (operator.kernel === undefined) continue
    try {
      opened.set(id, await operator.kernel(params as never))
    } catch (cause) {
      closeKernels(opened)
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw new TidegateError(
        'KERNEL_FAILED',
        `node "${id}" (${operator.name}) could not open its kernel: ${reason}`,
        { node: id, operator: operator.name },
        cause,
      )
    }
  }
  return opened
}
export function closeKernels(opened: ReadonlyMap<string, Kernel>): void {
  for (const kernel of opened.values()) kernel.close?.()
}
