import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { operators } from '../operators/catalogue.ts'
import { isTidegateError, TidegateError } from '../schemas/errors.ts'
import { Scalar } from '../schemas/features.ts'
import { sinks } from '../sinks/catalogue.ts'
import { sources } from '../sources/catalogue.ts'
import { decodeCommit } from './commit.ts'
import { defineKernel, listed } from './define.ts'
import { encodeItems } from './feed.ts'
import { openEmbeddedLog } from './log/embedded.ts'
import type { Log } from './log/log.ts'
import { committed } from './outputs.ts'
import { plan } from './plan.ts'
import { inputsName, Stage, stageName } from './stage.ts'

const drawn = (notional: number) =>
  plan(
    {
      pipeline: 'staged',
      nodes: {
        trades: { source: 'tape_trades' },
        bars: { op: 'time_bars', from: 'trades', params: { every: '1s' } },
        trend: { op: 'ema', from: 'bars', params: { span: 3 } },
        above: { op: 'cross', from: 'bars', latest: { trend: 'trend' }, params: { emit: 'level' } },
        sized: { op: 'fixed_notional', from: 'above', params: { notional } },
      },
    },
    { operators, sources, sinks },
  )
const first = drawn(100)
/** The input of second n: one trade, so that the bar of the second before it closes. */
const input = (n: number): Uint8Array => {
  const value = { price: 100 + (n % 5), size: 1, side: 0, id: n }
  return encodeItems(first.sources[0] as never, [{ type: 'row', at: n * 1e6, key: 'v:A', value }])[0] as Uint8Array
}

let directory = ''
let log: Log
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'tidegate-'))
  log = await openEmbeddedLog(directory, { fsync: 'close' })
})
afterEach(async () => {
  await log.close()
  rmSync(directory, { recursive: true })
})
async function feed(stage: Stage, from: number, to: number): Promise<string[]> {
  const ids: string[] = []
  for (let n = from; n <= to; n++) {
    const seq = await stage.inputs[0]!.stream.append(input(n), n - 1)
    const rows = await stage.step([{ seq, data: input(n) }])
    ids.push(...rows.map((r) => `${r.id} ${r.commit}.${r.order}`))
  }
  return ids
}
const code = async (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: unknown) => (isTidegateError(error) ? error.code : String(error)),
  )

test('a commit gives its rows in the order they were emitted, and the log gives the same', async () => {
  const stage = await Stage.open(first, log)
  const said = await feed(stage, 1, 6)
  expect(said).toHaveLength(10)
  const kept: string[] = []
  for await (const row of committed(first, stage.stream)) kept.push(`${row.id} ${row.commit}.${row.order}`)
  expect(kept).toEqual(said)
})
test('a restart goes on where the last commit stopped, over whole states and deltas', async () => {
  const stage = await Stage.open(first, log)
  const before = await feed(stage, 1, 70)
  const second = await Stage.open(first, log)
  expect([second.position, second.last]).toEqual([70, 70])
  const after = await feed(second, 71, 140)
  const whole = await openEmbeddedLog(join(directory, 'whole'))
  expect([...before, ...after]).toEqual(await feed(await Stage.open(first, whole), 1, 140))
  await whole.close()
})
test('a commit names the keys that came since the one before, and a restart knows all of them by their codes', async () => {
  const names = Array.from({ length: 70 }, (_, n) => `v:K${n}`)
  const of = (n: number, key: string) => {
    const item = { type: 'row', at: n * 1e6, key, value: { price: 100, size: 1, side: 0, id: n } } as const
    return encodeItems(first.sources[0] as never, [item])[0] as Uint8Array
  }
  const added: (readonly string[] | undefined)[] = []
  for (const [i, key] of names.entries()) {
    // two commits an opening: a key that is new, and one that is not
    const stage = await Stage.open(first, log)
    expect(stage.engine.network.keys).toEqual(['*', ...names.slice(0, i)])
    const stream = stage.inputs[0]!.stream
    for (const [seq, data] of [2 * i + 1, 2 * i + 2].map((seq) => [seq, of(seq, key)] as const)) {
      await stream.append(data, seq - 1)
      await stage.step([{ seq, data }])
    }
    const { last } = stage
    for await (const record of stage.stream.read(last - 1)) added.push(decodeCommit(record.data, record.seq).head.keys)
    stage.close()
  }
  // every 64th commit has a whole state
  const said = names.flatMap((key, i) =>
    [2 * i + 1, 2 * i + 2].map((seq) => {
      if (seq % 64 === 1) return ['*', ...names.slice(0, i + 1)]
      return seq % 2 === 1 ? [key] : undefined
    }),
  )
  expect(added).toEqual(said)
})
test('a stage that warms up on what was committed says what a cold one does, whatever waits after it', async () => {
  const other = (n: number) => {
    const value = { price: 7, size: 1, side: 0, id: n }
    return encodeItems(first.sources[0] as never, [{ type: 'row', at: n * 1e6, key: 'v:B', value }])[0] as Uint8Array
  }
  const before = await Stage.open(first, log)
  await feed(before, 1, 20)
  for (let n = 21; n <= 24; n++) await before.inputs[0]!.stream.append(other(n), n - 1)
  const said: string[][] = []
  for (const warm_up of [false, true]) {
    const folder = join(directory, `copy_${warm_up}`)
    cpSync(join(directory, inputsName('staged')), join(folder, inputsName('staged')), { recursive: true })
    cpSync(join(directory, stageName('staged')), join(folder, stageName('staged')), { recursive: true })
    const copy = await openEmbeddedLog(folder, { fsync: 'close' })
    const stage = await Stage.open(first, copy, { warm_up })
    const rows = await stage.step([21, 22, 23, 24].map((seq) => ({ seq, data: other(seq) })))
    said.push(rows.map((r) => `${r.id} ${r.commit}.${r.order} ${JSON.stringify(r.value)}`))
    await copy.close()
  }
  expect(said[0]).not.toEqual([])
  expect(said[1]).toEqual(said[0])
})
test('another plan is refused on the log of the first', async () => {
  await feed(await Stage.open(first, log), 1, 2)
  expect(await code(Stage.open(drawn(200), log))).toBe('PLAN_MISMATCH')
})
test('a stage that cannot begin closes what its kernels hold: who tries again and again keeps nothing', async () => {
  const held = { open: 0, closed: 0 }
  const model = defineKernel({
    name: 'model',
    version: 1,
    summary: 'A model.',
    input: Scalar,
    output: Scalar,
    params: z.strictObject({}),
    open() {
      held.open++
      return { run: (rows) => rows, close: () => held.closed++ }
    },
    example: { params: {}, input: [], output: [] },
  })
  const asking = plan(
    {
      pipeline: 'staged',
      nodes: {
        trades: { source: 'tape_trades' },
        bars: { op: 'time_bars', from: 'trades', params: { every: '1s' } },
        trend: { op: 'ema', from: 'bars', params: { span: 3 } },
        model: { op: 'model', from: 'trend' },
      },
    },
    { operators: { ...operators, ...listed(model) }, sources, sinks },
  )
  await feed(await Stage.open(first, log), 1, 2)
  expect(await code(Stage.open(asking, log))).toBe('PLAN_MISMATCH')
  expect(held).toEqual({ open: 1, closed: 1 })
  const fails = async () => {
    throw new TidegateError('FILE_ABSENT', 'the old plan is not there')
  }
  expect(await code(Stage.open(asking, log, { upgrade: fails }))).toBe('FILE_ABSENT')
  expect(held).toEqual({ open: 2, closed: 2 })
})
test('two stages on one log: the slower one is fenced and commits nothing', async () => {
  const [a, b] = [await Stage.open(first, log), await Stage.open(first, log)]
  await feed(a, 1, 1)
  expect(await code(b.step([{ seq: 1, data: input(1) }]))).toBe('LOG_CONFLICT')
  expect((await a.stream.state()).last).toBe(1)
})
test('a log whose inputs were lost or made anew is refused, loudly', async () => {
  await feed(await Stage.open(first, log), 1, 2)
  const stage = await (await log.stream(stageName('staged'))).last()
  await log.close()
  rmSync(join(directory, inputsName('staged')), { recursive: true })
  log = await openEmbeddedLog(directory, { fsync: 'close' })
  expect(stage?.seq).toBe(2)
  expect(await code(Stage.open(first, log))).toBe('LOG_LOST')
})
test('an input that is not the next one is refused', async () => {
  const stage = await Stage.open(first, log)
  expect(await code(stage.step([{ seq: 5, data: input(5) }]))).toBe('LOG_LOST')
  expect(await stage.step([])).toEqual([])
})
