import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Log, LogRecord, LogStream } from './log.ts'

/** A fresh, empty log; `reopen` closes it and opens the same one again. */
export interface LogUnderTest {
  readonly log: Log
  reopen(): Promise<Log>
  dispose(): Promise<void>
}

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
export const textOf = (record: LogRecord | undefined): string | undefined =>
  record && new TextDecoder().decode(record.data)

/** All records, or the first so many. */
export async function collect(
  records: AsyncIterable<LogRecord>,
  count = Number.POSITIVE_INFINITY,
): Promise<LogRecord[]> {
  const all: LogRecord[] = []
  for await (const record of records) if (all.push(record) === count) break
  return all
}
const seqs = async (records: AsyncIterable<LogRecord>) => (await collect(records)).map(({ seq }) => seq)

/** Appends texts after what is there. */
export async function fill(stream: LogStream, ...texts: readonly string[]): Promise<void> {
  for (const text of texts) await stream.append(bytesOf(text), (await stream.state()).last)
}

/** What every log must do, whatever it is made of. */
export function logContract(name: string, open: () => Promise<LogUnderTest>): void {
  describe(`${name} keeps the contract of a log`, () => {
    let given: LogUnderTest
    let stream: LogStream
    beforeEach(async () => {
      given = await open()
      stream = await given.log.stream('btc_momentum.inputs')
    })
    afterEach(() => given.dispose())

    test('a new stream is empty and begins at 1', async () => {
      expect(await stream.state()).toMatchObject({ first: 1, last: 0 })
      expect(await stream.last()).toBeUndefined()
      expect(await seqs(stream.read(1))).toEqual([])
    })

    test('sequences rise by one, and records read back as they were appended', async () => {
      expect(await stream.append(bytesOf('one'), 0)).toBe(1)
      expect(await stream.append(bytesOf('two'), 1)).toBe(2)
      expect(await stream.append(new Uint8Array(0), 2)).toBe(3)
      expect((await collect(stream.read(1))).map((r) => [r.seq, textOf(r)])).toEqual([
        [1, 'one'],
        [2, 'two'],
        [3, ''],
      ])
      expect(await stream.state()).toMatchObject({ first: 1, last: 3 })
    })

    test('the data of a record begins at a multiple of 8', async () => {
      await fill(stream, 'a', 'four', 'nine char', 'x'.repeat(100))
      for (const { data } of await collect(stream.read(1))) expect(data.byteOffset % 8).toBe(0)
    })

    test('the bytes given to append may be reused, and those read stay as they are', async () => {
      const bytes = bytesOf('first')
      await stream.append(bytes, 0)
      const [before] = await collect(stream.read(1))
      bytes.set(bytesOf('other'))
      await stream.append(bytes, 1)
      expect((await collect(stream.read(1))).map(textOf)).toEqual(['first', 'other'])
      expect(textOf(before)).toBe('first')
    })

    test('an append that expects another last record is refused, tells both, and writes nothing', async () => {
      await fill(stream, 'one', 'two')
      for (const expected of [0, 1, 3]) {
        const refused = stream.append(bytesOf('no'), expected)
        await expect(refused).rejects.toMatchObject({ code: 'LOG_CONFLICT', info: { expected, found: 2 } })
      }
      expect((await collect(stream.read(1))).map(textOf)).toEqual(['one', 'two'])
      expect(await stream.append(bytesOf('three'), 2)).toBe(3)
    })

    test('of appends that expect the same last record one is taken', async () => {
      const all = await Promise.allSettled(['a', 'b', 'c'].map((text) => stream.append(bytesOf(text), 0)))
      expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      expect(await stream.state()).toMatchObject({ last: 1 })
    })

    test('read begins where it is told and gives no more than its limit', async () => {
      await fill(stream, ...'abcde')
      expect(await seqs(stream.read(3))).toEqual([3, 4, 5])
      expect(await seqs(stream.read(2, { limit: 2 }))).toEqual([2, 3])
      expect(await seqs(stream.read(5, { limit: 9 }))).toEqual([5])
      expect(await seqs(stream.read(1, { limit: 0 }))).toEqual([])
      expect(await seqs(stream.read(6))).toEqual([])
    })

    test('reading what the stream does not hold fails with LOG_LOST instead of beginning elsewhere', async () => {
      await fill(stream, 'a', 'b')
      for (const from of [0, -1, 4, Number.NaN]) {
        await expect(collect(stream.read(from))).rejects.toMatchObject({ code: 'LOG_LOST' })
        await expect(collect(stream.tail(from, AbortSignal.timeout(5000)))).rejects.toMatchObject({ code: 'LOG_LOST' })
      }
    })

    test('a read ends with what was last when it began', async () => {
      await fill(stream, 'a', 'b')
      const seen: number[] = []
      for await (const { seq } of stream.read(1)) {
        seen.push(seq)
        if (seq <= 2) await fill(stream, 'later')
      }
      expect(seen).toEqual([1, 2])
    })

    test('last is the newest record', async () => {
      await fill(stream, 'a', 'b')
      expect(await stream.last()).toMatchObject({ seq: 2 })
      expect(textOf(await stream.last())).toBe('b')
    })

    test('a tail gives what is there, then what comes, and ends when its signal aborts', async () => {
      await fill(stream, 'a', 'b')
      const stop = new AbortController()
      const seen: number[] = []
      const done = (async () => {
        for await (const { seq } of stream.tail(2, stop.signal)) {
          seen.push(seq)
          if (seq === 4) stop.abort()
        }
      })()
      await fill(stream, 'c')
      await new Promise((resolve) => setTimeout(resolve, 30))
      await fill(stream, 'd')
      await done
      expect(seen).toEqual([2, 3, 4])
    })

    test('a tail that waits ends on abort and on close', async () => {
      const stop = new AbortController()
      const [aborted, closed] = [
        collect(stream.tail(1, stop.signal)),
        collect(stream.tail(1, new AbortController().signal)),
      ]
      stop.abort()
      expect(await aborted).toEqual([])
      await given.log.close()
      expect(await closed).toEqual([])
    })

    test('several tails each see every record once', async () => {
      const stop = new AbortController()
      const tails = [1, 1, 1].map((from) => collect(stream.tail(from, stop.signal)))
      for (let last = 0; last < 200; last++) await stream.append(bytesOf(`${last}`), last)
      await new Promise((resolve) => setTimeout(resolve, 100))
      stop.abort()
      for (const records of await Promise.all(tails))
        expect(records.map(textOf)).toEqual(Array.from({ length: 200 }, (_, i) => `${i}`))
    })

    test('streams are apart, keep odd names, and are listed', async () => {
      const names = ['trades.binance:BTCUSDT', 'a b/c', '..', 'ü*>%41', 'UPPER']
      for (const other of names) await fill(await given.log.stream(other), other)
      expect(await given.log.streams()).toEqual([...names, 'btc_momentum.inputs'].sort())
      for (const other of names) expect(textOf(await (await given.log.open(other))?.last())).toBe(other)
      expect(await stream.state()).toMatchObject({ last: 0 })
      expect(await given.log.open('absent')).toBeUndefined()
      expect(await given.log.streams()).not.toContain('absent')
    })

    test('what was committed is there after a reopening, and the stream is the same one', async () => {
      await fill(stream, 'a', 'b')
      const before = await stream.state()
      const again = await (await given.reopen()).stream('btc_momentum.inputs')
      expect(await again.state()).toEqual(before)
      expect(await again.append(bytesOf('c'), 2)).toBe(3)
      expect((await collect(again.read(1))).map(textOf)).toEqual(['a', 'b', 'c'])
    })

    test('two streams never share the mark of their creation', async () => {
      expect((await (await given.log.stream('other')).state()).created).not.toBe((await stream.state()).created)
    })

    test('any payloads read back equal, from any place, also after a reopening', async () => {
      let n = 0
      let { log } = given
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 20 }),
          async (payloads) => {
            const id = `stream ${n++}`
            const written = await log.stream(id)
            for (const [i, data] of payloads.entries()) await written.append(data, i)
            if (n % 4 === 0) log = await given.reopen()
            const from = 1 + (n % payloads.length)
            const read = await collect(((await log.open(id)) as LogStream).read(from))
            expect(read.map(({ data }) => Buffer.from(data).toString('hex'))).toEqual(
              payloads.slice(from - 1).map((data) => Buffer.from(data).toString('hex')),
            )
          },
        ),
        { numRuns: 40 },
      )
    })

    test('says in a sentence what committed means', () => {
      expect(given.log.guarantee).toMatch(/^Committed means .+\.$/)
    })
  })
}
