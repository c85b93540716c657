import fs, { mkdtempSync, rmSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { SegmentFile } from './segment_file.ts'

let directory: string
let file: SegmentFile
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tidegate-segment-'))
  const header = { content: 'log', first: 1, id: '0'.repeat(32), previousFirst: 0, previousBytes: 0 } as const
  file = SegmentFile.create(join(directory, '1'), header, false)
})
afterEach(() => {
  vi.restoreAllMocks()
  syncBuiltinESMExports()
  rmSync(directory, { recursive: true })
})

/** A disk that loses one sync beside the work, as the kernel tells it: once. */
function diskFailsOnce(): void {
  vi.spyOn(fs, 'fdatasync').mockImplementationOnce((_fd, done) => {
    setImmediate(() => done(Object.assign(new Error('EIO: i/o error'), { code: 'EIO' })))
  })
  syncBuiltinESMExports()
}

test.each(['close', 'closeBeside'] as const)('%s tells that a sync beside the work failed', async (close) => {
  file.append(1, new Uint8Array(8))
  diskFailsOnce()
  file.syncBeside()
  await new Promise((resolve) => setTimeout(resolve, 5))
  await expect(file[close]()).rejects.toMatchObject({ code: 'LOG_UNWRITABLE', cause: { code: 'EIO' } })
})
test('close tells that a sync failed that was still under way', async () => {
  file.append(1, new Uint8Array(8))
  diskFailsOnce()
  file.syncBeside()
  await expect(file.close()).rejects.toMatchObject({ code: 'LOG_UNWRITABLE' })
})
test('close resolves when everything is on the disk', async () => {
  file.append(1, new Uint8Array(8))
  file.syncBeside()
  await expect(file.close()).resolves.toBeUndefined()
})
