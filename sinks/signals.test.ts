import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Committed, OpenedSink, SinkContext } from '../runtime/define.ts'
import { signals } from './signals.ts'

let directory = ''
let published: { subject: string; message: Readonly<Record<string, unknown>> }[] = []
let watching = () => {}
beforeEach(() => {
  watching = () => {}
  directory = mkdtempSync(join(tmpdir(), 'tidegate-'))
  published = []
})
afterEach(() => rmSync(directory, { recursive: true }))

const file = () => join(directory, 'above.jsonl')
const lines = () =>
  readFileSync(file(), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
function opened(keeps = true): OpenedSink {
  const context: SinkContext = {
    pipeline: 'momentum',
    node: 'above',
    plan: '0123456789abcdef0123',
    ports: ['signal'],
    namespace: 'paper',
    publish(subject, message) {
      watching()
      published.push({ subject, message })
    },
    file: (name) => (keeps ? join(directory, name) : undefined),
  }
  const open = signals.definition.open as unknown as (params: object, context: SinkContext) => OpenedSink
  return open({}, context)
}
const row = (commit: number, order: number): Committed => ({
  id: `momentum/above/binance:BTCUSDT/${commit}000000/${order}`,
  edge: 'above',
  kind: 'signal',
  key: 'binance:BTCUSDT',
  at: commit * 1e6,
  ordinal: order,
  value: { direction: 1, strength: 0.5, price: 100 },
  commit,
  order,
})

test('publishes each signal on its subject, and keeps the same line', () => {
  const sink = opened()
  sink.write('signal', row(1, 0))
  sink.flush()
  sink.close()
  expect(published.map((p) => p.subject)).toEqual(['paper.sig.momentum.above.binance.BTCUSDT'])
  expect(lines()).toEqual([published[0]?.message])
  expect(lines()[0]).toMatchObject({
    id: 'momentum/above/binance:BTCUSDT/1000000/0',
    time: '1970-01-01T00:00:01.000Z',
    value: { direction: 1, strength: 0.5, price: 100 },
    plan: '0123456789abcdef',
  })
})
test('a message is published when its line is held, not before', () => {
  const sink = opened()
  sink.write('signal', row(1, 0))
  expect(published).toEqual([])
  watching = () => expect(lines()).toHaveLength(2)
  sink.write('signal', row(1, 1))
  sink.flush()
  sink.flush()
  sink.close()
  expect(published.map((p) => p.message['order'])).toEqual([0, 1])
})
test('a message whose line could not be kept is not published', () => {
  const sink = opened()
  sink.close()
  sink.write('signal', row(1, 0))
  expect(() => sink.flush()).toThrow('EBADF')
  expect(published).toEqual([])
})
test('a new run has nothing; a restart goes on after the last line', () => {
  const first = opened()
  expect(first.position).toEqual({ commit: 0, order: -1 })
  for (const [commit, order] of [
    [3, 0],
    [3, 2],
  ] as const)
    first.write('signal', row(commit, order))
  first.flush()
  first.close()
  expect(opened().position).toEqual({ commit: 3, order: 2 })
})
test('a line that a crash cut short is cut away, and its row is asked for again', () => {
  const first = opened()
  first.write('signal', row(1, 0))
  first.flush()
  first.close()
  appendFileSync(file(), '{"id":"momentum/above/binance:Å')
  const second = opened()
  expect(second.position).toEqual({ commit: 1, order: 0 })
  second.write('signal', row(2, 0))
  second.flush()
  second.close()
  expect(lines().map((l) => l['commit'])).toEqual([1, 2])
})
test('a file with nothing but a torn line is an empty one', () => {
  writeFileSync(file(), '{"id":')
  expect(opened().position).toEqual({ commit: 0, order: -1 })
  expect(readFileSync(file(), 'utf8')).toBe('')
})
test('without a directory it publishes and keeps nothing', () => {
  const sink = opened(false)
  sink.write('signal', row(1, 0))
  sink.flush()
  sink.close()
  expect(published).toHaveLength(1)
})
