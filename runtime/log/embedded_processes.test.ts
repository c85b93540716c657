import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { bytesOf, fill, textOf } from './contract.ts'
import { openEmbeddedLog } from './embedded.ts'
import type { LogStream } from './log.ts'
import { payloadOf } from './sample_payload.ts'

let directory: string
let children: ChildProcess[]
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tidegate-log-'))
  children = []
})
afterEach(async () => {
  for (const child of children) await killed(child)
  rmSync(directory, { recursive: true, force: true })
})

interface Loop {
  readonly child: ChildProcess
  readonly lines: string[]
  /** Waits until it has printed a line that is so. */
  until(what: (line: string) => boolean): Promise<string>
}

/** Another process that appends to the stream `loop`; `limit` is a bound of its file sizes in KiB. */
function startLoop(options: { segmentBytes?: number; count?: number; limit?: number } = {}): Loop {
  const program = join(import.meta.dirname, 'append_loop.ts')
  const words = ['--import', 'tsx', program, directory, `${options.segmentBytes ?? 2 ** 26}`]
  if (options.count !== undefined) words.push(`${options.count}`)
  const limit = options.limit === undefined ? '' : `ulimit -f ${options.limit}; `
  const child = spawn('bash', ['-c', `${limit}exec "$0" "$@"`, process.execPath, ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  children.push(child)
  const lines: string[] = []
  let rest = ''
  let said = ''
  const listeners = new Set<() => void>()
  child.stdout.on('data', (data) => {
    const all = `${rest}${data}`.split('\n')
    rest = all.pop() ?? ''
    lines.push(...all)
    for (const listener of listeners) listener()
  })
  child.stderr.on('data', (data) => {
    said += data
  })
  const until = (what: (line: string) => boolean) =>
    new Promise<string>((resolve, reject) => {
      const look = () => {
        const line = lines.find(what)
        if (line === undefined) return
        listeners.delete(look)
        resolve(line)
      }
      listeners.add(look)
      child.once('exit', () => reject(new Error(`the child ended: ${said}${lines.slice(-3)}`)))
      look()
    })
  return { child, lines, until }
}

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  await exit
}

async function expectPayloads(stream: LogStream, atLeast: number): Promise<void> {
  const { last } = await stream.state()
  expect(last).toBeGreaterThanOrEqual(atLeast)
  let seq = 0
  for await (const record of stream.read(1)) {
    expect(record.seq).toBe(++seq)
    expect(Buffer.compare(record.data, payloadOf(seq))).toBe(0)
  }
  expect(seq).toBe(last)
}

describe('two processes on one log', () => {
  test('the second writer is refused with the number of the first, and readers are not', async () => {
    const loop = startLoop({ count: 3 })
    await loop.until((line) => line === 'done')
    await expect(openEmbeddedLog(directory)).rejects.toMatchObject({
      code: 'LOG_LOCKED',
      info: { pid: loop.child.pid },
    })
    const reader = await openEmbeddedLog(directory, { readonly: true })
    await expectPayloads(await reader.stream('loop'), 3)
    await reader.close()
  })

  test('the same process is refused a second writer too, until the first is closed', async () => {
    const log = await openEmbeddedLog(directory)
    await expect(openEmbeddedLog(directory)).rejects.toMatchObject({ code: 'LOG_LOCKED', info: { pid: process.pid } })
    await log.close()
    await (await openEmbeddedLog(directory)).close()
    expect(readdirSync(directory).filter((name) => name.endsWith('.lock'))).toHaveLength(1)
  })

  test('of many takers of a dead lock one gets it', async () => {
    const first = startLoop({ count: 1 })
    await first.until((line) => line === 'done')
    await killed(first.child)
    const takers = Array.from({ length: 6 }, () => startLoop({ count: 1 }))
    const opened = await Promise.allSettled(takers.map((taker) => taker.until((line) => line === 'done')))
    expect(opened.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const end of opened) if (end.status === 'rejected') expect(String(end.reason)).toContain('LOG_LOCKED')
  })

  test('a lock of a later process with the same number does not count', async () => {
    writeFileSync(join(directory, 'writer.4.lock'), JSON.stringify({ pid: process.pid, started: '1', boot: 'another' }))
    const log = await openEmbeddedLog(directory)
    await log.close()
  })

  test('a writer whose lock was taken over is fenced at its next append', async () => {
    const log = await openEmbeddedLog(directory)
    const stream = await log.stream('loop')
    await fill(stream, 'mine')
    // As a process in another PID namespace would see it.
    const lock = readdirSync(directory).find((name) => name.endsWith('.lock')) as string
    writeFileSync(join(directory, 'writer.4.lock'), JSON.stringify({ pid: 2 ** 30, started: '1' }))
    const own = readFileSync(join(directory, lock))
    expect(own.length).toBeGreaterThan(0)
    const other = startLoop({ count: 2 })
    await other.until((line) => line === 'done')
    await expect(stream.append(bytesOf('no'), 1)).rejects.toMatchObject({ code: 'LOG_CONFLICT', info: { found: 3 } })
    await expect(stream.append(bytesOf('no'), 3)).rejects.toMatchObject({ code: 'LOG_CONFLICT' })
    expect(await stream.state()).toMatchObject({ last: 3 })
    expect((await stream.last())?.data).toEqual(payloadOf(3))
    await log.close()
  })

  test('a foreign append under a living writer is found before the next one, which writes nothing', async () => {
    const log = await openEmbeddedLog(directory)
    const stream = await log.stream('stage')
    await fill(stream, 'one')
    const path = join(directory, 'stage', '0000000000000001.seg')
    const record = readFileSync(path).subarray(56)
    appendFileSync(path, record)
    const { size } = statSync(path)
    for (const expected of [1, 2])
      await expect(stream.append(bytesOf('two'), expected)).rejects.toMatchObject({ code: 'LOG_CONFLICT' })
    expect(statSync(path).size).toBe(size)
    await log.close()
  })

  test('a reader sees whole records only, while another process appends as fast as it can', async () => {
    const loop = startLoop({ segmentBytes: 100_000 })
    await loop.until((line) => line === '1')
    const reader = await openEmbeddedLog(directory, { readonly: true, pollMs: 1 })
    const stop = new AbortController()
    let seq = 0
    for await (const record of (await reader.stream('loop')).tail(1, stop.signal)) {
      expect(record.seq).toBe(++seq)
      expect(Buffer.compare(record.data, payloadOf(seq))).toBe(0)
      if (seq === 5000) stop.abort()
    }
    await killed(loop.child)
    await reader.close()
  })
})

describe('a writer that dies', () => {
  test('leaves every acknowledged record, in order and whole, however often it is killed', async () => {
    let acknowledged = 0
    for (let run = 0; run < 20; run++) {
      const loop = startLoop({ segmentBytes: 200_000 })
      const target = acknowledged + 1 + ((run * 37) % 150)
      await loop.until((line) => Number(line) >= target)
      await killed(loop.child)
      acknowledged = Math.max(...loop.lines.map(Number).filter(Number.isFinite))
      const log = await openEmbeddedLog(directory)
      const stream = await log.stream('loop')
      await expectPayloads(stream, acknowledged)
      acknowledged = (await stream.state()).last
      await log.close()
    }
  })
})

describe('a disk that takes no more', () => {
  test('refuses the append with LOG_UNWRITABLE and leaves everything before it', async () => {
    const loop = startLoop({ limit: 64 })
    const line = await loop.until((text) => text.startsWith('failed'))
    const [, code, after] = /^failed (\w+) after (\d+)$/.exec(line) ?? []
    expect(code).toBe('LOG_UNWRITABLE')
    await once(loop.child, 'exit')
    const log = await openEmbeddedLog(directory)
    expect(log.notices).toEqual([])
    const stream = await log.stream('loop')
    expect((await stream.state()).last).toBe(Number(after))
    await expectPayloads(stream, Number(after))
    expect(textOf(await stream.last())).toBeDefined()
    await log.close()
  })
})
