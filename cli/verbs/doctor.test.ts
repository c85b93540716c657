import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { captured, folderWith, momentum, removeFolders } from '../describe/captured.ts'
import { disk, natsServer, node, recordedData, tickNodes } from '../project/doctor_checks.ts'

afterAll(removeFolders)

test('names each part with what was found', async () => {
  const { stdout: words } = await captured(['doctor'])
  expect(words).toContain('not checked: only trading on a chain needs them')
  const { code, json } = await captured(['doctor', '--json'])
  const { ok, parts } = json<{ ok: boolean; parts: { part: string; status: string }[] }>()
  expect([code, ok]).toEqual([0, true])
  expect(parts.map((p) => p.part)).toEqual(
    expect.arrayContaining(['node', 'tsx', 'disk', 'clock', 'nats-server', 'postgresql', 'recorded data']),
  )
})
test('a Node that is too old is a missing part, with the fix', () => {
  expect(node('v20.18.3')).toMatchObject({ status: 'missing', fix: expect.stringContaining('Node 22') })
  expect(node('v20.20.2')).toMatchObject({ status: 'warning', found: expect.stringContaining('2026-04') })
  expect(node('v24.1.0')).toMatchObject({ status: 'ok' })
})
test('optional parts may be absent; a named binary that is not there is told', () => {
  expect(natsServer({ NATS_SERVER_BIN: '/nowhere/nats-server' })).toMatchObject({
    status: 'absent',
    found: expect.stringContaining('/nowhere'),
  })
  expect(recordedData({ TIDEGATE_DATA: '/nowhere' })).toMatchObject({ status: 'absent' })
  expect(disk('.').status).not.toBe('missing')
})
test('warns of more than twelve nodes that every tick calls', async () => {
  expect(tickNodes(Array.from({ length: 13 }, (_, i) => `n${i}`)).status).toBe('warning')
  const { stdout } = await captured(['doctor', join(folderWith({ 'btc.yaml': momentum }), 'btc.yaml')])
  expect(stdout).toContain('3 nodes are called by every tick (execute, bars, gate)')
})
test('wrong uses have their exit codes', async () => {
  expect((await captured(['doctor', 'a', 'b'])).code).toBe(2)
  expect((await captured(['doctor', 'none.yaml'])).code).toBe(4)
  expect((await captured(['doctor', '--fix'])).code).toBe(2)
})
