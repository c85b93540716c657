import { expect, test } from 'vitest'
import type { Frame } from '../../schemas/frame.ts'
import { rowReader } from '../../schemas/frame_reader.ts'
import { FrameWriter } from '../../schemas/frame_writer.ts'
import { Trade } from '../../schemas/market.ts'
import { sources } from '../../sources/catalogue.ts'
import type { Binding } from '../feed.ts'
import { merged } from '../feed.ts'
import { plan } from '../plan.ts'
import { sharedFrames } from './shared_frames.ts'

const drawn = plan(
  { pipeline: 'drawn', nodes: { trades: { source: 'tape_trades' } } },
  { sources, operators: {}, sinks: {} },
)
const keys = ['v:A', 'v:B']
/** Frames of three rows, a second apart, the two instruments in turn. */
const frames = Array.from({ length: 5 }, (_, f) => {
  const writer = new FrameWriter(Trade, 'trades', { capacity: 3 })
  for (let i = 0; i < 3; i++)
    writer.push((f * 3 + i) * 1e6, keys[i % 2] as string, { price: 100 + f, size: 1 + i, side: 1, id: f * 3 + i })
  return writer.take()
})
/** As a tape gives them: who says that it reuses memory finds a frame gone when it asks for the next. */
function* given({ reuse }: { readonly reuse?: boolean } = {}): Generator<Uint8Array> {
  if (reuse !== true) return yield* frames
  const memory = new Uint8Array(Math.max(...frames.map((f) => f.length)))
  for (const frame of frames) {
    memory.set(frame)
    yield memory.subarray(0, frame.length)
    memory.fill(255)
  }
}
const bound = (symbol?: string): Binding => ({ type: 'recording', recording: { frames: given }, symbol })
const shared = (binding: Binding, options: { from?: number; to?: number; limit?: number } = {}) =>
  sharedFrames(drawn, new Map([['trades', binding]]), { limit: 1e6, ...options }).get('trades') as readonly Frame[]
const rowsOf = (binding: Binding, range = {}) =>
  // one after another: a frame may be gone when the next is asked for
  Array.from(merged(drawn, new Map([['trades', binding]]), range), ({ frame, from, to }) =>
    Array.from({ length: to - from }, (_, i) => [
      frame.kind,
      frame.at[from + i],
      frame.keys[frame.key[from + i] as number],
      frame.kind === 'trade' && rowReader(Trade)(frame, from + i),
    ]),
  ).flat()

test.each([
  ['whole', undefined, {}],
  ['a range', undefined, { from: 2e6, to: 11e6 }],
  ['one symbol', 'B', {}],
  ['one symbol in a range', 'A', { from: 2e6, to: 11e6 }],
  ['a range without rows', undefined, { from: 20e6 }],
])('shared frames give the rows of the recording, its end included: %s', (_, symbol, range) => {
  const direct = rowsOf(bound(symbol), range)
  expect(rowsOf({ type: 'frames', frames: shared(bound(symbol), range) })).toEqual(direct)
  expect(direct.at(-1)?.[0]).toBe('heartbeat')
})

test('every column lies in memory that threads share, and small frames are joined', () => {
  const [trades, end, ...more] = shared(bound())
  expect(more).toEqual([])
  expect([trades?.rows, trades?.first, trades?.last, end?.kind]).toEqual([15, 0, 14e6, 'heartbeat'])
  for (const frame of [trades, end] as Frame[])
    for (const column of [frame.at, frame.key, ...frame.columns])
      expect(column.buffer).toBeInstanceOf(SharedArrayBuffer)
  expect(structuredClone(trades)?.at.buffer).toBeInstanceOf(SharedArrayBuffer)
})

test('rows that take more memory than they may are refused', () => {
  expect(() => shared(bound(), { limit: 100 })).toThrow(/expected rows that fit in 1 MB of memory, found more/)
})
