import { describe, expect, test } from 'vitest'
import { sources } from '../sources/catalogue.ts'
import { readHead, readLogs } from '../sources/evm/wire.ts'
import { readStream } from '../sources/ton/streaming.ts'
import { rubbish } from '../testing/faults.ts'
import { corpora, readers } from './feed_readers.ts'

/** Chains, other people's libraries, and what has no wire. */
const elsewhere = /^(evm|ton|ccxt|synthetic|tape)_/
test('every channel of the catalogue is read here', () => {
  const channels = Object.keys(sources).filter((name) => !elsewhere.test(name))
  expect(
    Object.keys(readers)
      .map((name) => name.replace(' ', '_'))
      .toSorted(),
  ).toEqual(channels.toSorted())
})

const chains = {
  'evm heads': (bytes: Buffer) => readHead(parsed(bytes)),
  'evm logs': (bytes: Buffer) => readLogs(parsed(bytes)),
  'ton stream': (bytes: Buffer) => readStream(bytes, false),
}
function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString())
  } catch {
    return undefined
  }
}

const DEEP = 20_000
const nests = ['['.repeat(DEEP) + ']'.repeat(DEEP), `${'{"a":'.repeat(DEEP)}1${'}'.repeat(DEEP)}`]
/** The words venues begin their messages with. */
const words = [
  ...['error', 'data', 'result', 'params', 'event', 'msg', 'message', 'e', 's', 'stream', 'topic', 'arg', 'op', 'code'],
  ...['channel', 'type', 'method', 'status', 'success', 'symbol', 'product_id', 'bids', 'asks', 'b', 'a', 'changes'],
  ...['transactions', 'topics', 'ret_msg', 'retMsg', 'reason', 'id', 'k', 'T', 'p', 'q', 'time', 'checksum', 'ts'],
]
const settled = [
  '"e":"trade"',
  '"channel":"trade"',
  '"type":"error"',
  '"event":"error"',
  '"success":false',
  '"type":"match"',
]
/** Neither a text nor a number can be made of it. */
const poison = '{"toString":1,"valueOf":1,"toJSON":1,"length":-1,"constructor":null}'
const within = (value: string): string => `{${words.map((word) => `"${word}":${value}`).join(',')}}`
const long = '9'.repeat(500_000)
const frames: Readonly<Record<string, Buffer>> = {
  ...Object.fromEntries(Object.entries(rubbish).map(([name, frame]) => [name, Buffer.from(frame.subarray(2))])),
  'a number of half a million digits': Buffer.from(
    `{"e":"trade","s":"BTCUSDT","t":${long},"p":"${long}","q":"1","T":1,"m":true}`,
  ),
  'a text of half a million letters': Buffer.from(
    `{"stream":"${'a'.repeat(500_000)}","data":{"e":"${'b'.repeat(500_000)}"}}`,
  ),
  backslashes: Buffer.from(`{"stream":"${'\\\\'.repeat(500_000)}"}`),
  spaces: Buffer.from(`${' '.repeat(500_000)}{"e":"trade"}`),
  'quotes without end': Buffer.from('{"e":"trade","p":"'.repeat(50_000)),
  ...Object.fromEntries(
    words.flatMap((word) =>
      nests.map((nest, n) => [
        `${word}: ${n === 0 ? 'arrays' : 'objects'} in each other`,
        Buffer.from(`{"${word}":${nest}}`),
      ]),
    ),
  ),
  ...Object.fromEntries(
    settled.flatMap((start) =>
      words.map((word) => [`${start}, ${word}: deep`, Buffer.from(`{${start},"${word}":${nests[0]}}`)]),
    ),
  ),
  ...Object.fromEntries(
    ['', ...settled].flatMap((start) =>
      words.flatMap((word) =>
        [poison, `[${poison}]`, within(poison), `[${within(poison)}]`].map((value, n) => [
          `${start} ${word}: poison ${n}`,
          Buffer.from(`{${start === '' ? '' : `${start},`}"${word}":${value}}`),
        ]),
      ),
    ),
  ),
}

describe.each([...Object.entries(readers).map(([name, [read]]) => [name, read] as const), ...Object.entries(chains)])(
  '%s',
  (_name, read) => {
    test('no frame that was made to hurt makes it throw or takes it long', () => {
      const slow: string[] = []
      const thrown: string[] = []
      for (const [name, bytes] of Object.entries(frames)) {
        const began = performance.now()
        try {
          const word = read(bytes, false)
          // nobody trades on any of these
          if (word !== undefined && 'type' in word)
            expect(['row', 'rows', 'book', 'transactions']).not.toContain(word.type)
        } catch (error) {
          thrown.push(`${name}: ${(error as Error).message}`)
        }
        if (performance.now() - began > 1000) slow.push(name)
      }
      expect({ thrown, slow }).toEqual({ thrown: [], slow: [] })
    })
  },
)
test.each(Object.entries(readers))('%s takes no binary message for data', (_name, [read]) => {
  for (const bytes of Object.values(frames)) expect(['row', 'rows', 'book']).not.toContain(read(bytes, true).type)
})
test.each(Object.entries(readers))(
  '%s bears any value of its frames to be one nothing can be made of',
  (name, [read]) => {
    const frames = (corpora[name.split(' ')[0] as string] ?? []).map(String)
    const data = frames.filter((frame) => ['row', 'rows', 'book'].includes(read(Buffer.from(frame), false).type))
    expect(data).not.toEqual([])
    const thrown = new Set<string>()
    let tried = 0
    for (const frame of frames)
      for (const { 1: value = '', index } of frame.matchAll(/[:[,]("[^"]*"|-?[\d.]+|true|false|null)/g))
        for (const instead of [poison, `[${poison}]`, nests[0]]) {
          const text = frame.slice(0, index + 1) + instead + frame.slice(index + 1 + value.length)
          tried++
          try {
            read(Buffer.from(text), false)
          } catch (error) {
            thrown.add(`${frame.slice(Math.max(0, index - 60), index + 1 + value.length)}: ${(error as Error).message}`)
          }
        }
    expect(tried).toBeGreaterThan(100)
    expect([...thrown]).toEqual([])
  },
)
