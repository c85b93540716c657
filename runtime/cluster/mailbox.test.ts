import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { openEmbeddedLog } from '../log/embedded.ts'
import type { LogStream } from '../log/log.ts'
import { Mailbox, TAKEN_BYTES } from './mailbox.ts'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

test.each([
  ['many are short', Array<number>(300).fill(10), 16],
  ['three fill a step', Array<number>(9).fill(TAKEN_BYTES / 3), 3],
  ['one alone is more than a step should take', [10, TAKEN_BYTES + 1, 10, TAKEN_BYTES, 10], 1],
])(
  'hands out all records in order, and at a time no more than a step should take: %s',
  async (_what, lengths, most) => {
    const folder = mkdtempSync(join(tmpdir(), 'tidegate-'))
    folders.push(folder)
    const log = await openEmbeddedLog(folder, { fsync: 'close' })
    const stream = await log.stream('ticks')
    for (const [i, length] of lengths.entries()) await stream.append(new Uint8Array(length), i)
    const { signal } = new AbortController()
    const mailbox = new Mailbox([{ stream, from: 1 }], signal)
    let due = 1
    while (due <= lengths.length) {
      const records = await mailbox.take(16, signal)
      expect(records.map(({ seq }) => seq)).toEqual(records.map((_, i) => due + i))
      expect(records.length).toBeGreaterThan(0)
      expect(records.length).toBeLessThanOrEqual(most)
      due += records.length
    }
    mailbox.close()
    await log.close()
  },
)

test('long records do not pile up while nobody takes them', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-'))
  folders.push(folder)
  const log = await openEmbeddedLog(folder, { fsync: 'close' })
  const stream = await log.stream('ticks')
  const all = 80
  for (let i = 0; i < all; i++) await stream.append(new Uint8Array(2 ** 20), i)
  let read = 0
  const counted = Object.assign(Object.create(stream) as LogStream, {
    async *tail(from: number, signal: AbortSignal) {
      for await (const record of stream.tail(from, signal)) {
        read++
        yield record
      }
    },
  })
  const { signal } = new AbortController()
  const mailbox = new Mailbox([{ stream: counted, from: 1 }], signal)
  await expect.poll(() => read).toBe(32)
  await new Promise((resolve) => setTimeout(resolve, 200))
  expect(read).toBe(32)
  let taken = 0
  while (taken < all) taken += (await mailbox.take(16, signal)).length
  mailbox.close()
  await log.close()
})
