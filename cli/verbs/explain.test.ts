import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { captured, folderWith, momentum, removeFolders } from '../describe/captured.ts'
import type { Explained } from '../describe/explain.ts'

afterAll(removeFolders)

const folder = folderWith({ 'btc.yaml': momentum })
const file = join(folder, 'btc.yaml')

test('tells state, run order and what is guaranteed on every edge', async () => {
  const { code, json } = await captured(['explain', file, '--json'])
  expect(code).toBe(0)
  const { nodes, run_order, hash } = json<Explained>()
  expect(run_order).toEqual(['execute', 'bars', 'trend', 'above', 'sized', 'gate'])
  expect(hash).toMatch(/^[0-9a-f]{64}$/)
  const node = (id: string) => nodes.find((n) => n.id === id)
  expect(node('trend')?.state).toMatchObject({ scope: 'key', bytes_per_key: 16 })
  expect(node('bars')?.state?.timers).toEqual(['every 1m of event time, windows [open, close)'])
  expect(node('gate')?.reads).toContainEqual({ port: 'fill', edge: 'execute.fill', kind: 'fill', how: 'feedback' })
  expect(node('above')?.speaks[0]?.guarantee).toContain('delivered to publish in order')
  expect(node('trend')?.speaks[0]).toMatchObject({ recorded: false, guarantee: expect.stringContaining('not kept') })
})
test('speaks in words without --json', async () => {
  const { stdout } = await captured(['explain', file])
  expect(stdout).toContain('trend: ema (operator, version 1)')
  expect(stdout).toMatch(/called by every tick +3 nodes/)
})
test('wrong uses have their exit codes', async () => {
  expect((await captured(['explain'])).code).toBe(2)
  expect((await captured(['explain', join(folder, 'no.yaml')])).code).toBe(4)
  expect((await captured(['explain', file, '--set', 'trend.span=one'])).code).toBe(3)
})
