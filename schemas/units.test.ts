import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { subjectOf, subjectToken } from './subjects.ts'
import { duration, EventTime, formatDuration, formatTime, Instrument, parseDuration, parseTime } from './units.ts'

describe('durations', () => {
  test.each([
    ['500ms', 500_000],
    ['1m', 60e6],
    ['60s', 60e6],
    ['2.5s', 2_500_000],
    ['1.001s', 1_001_000],
    ['0.0001s', 100],
    ['1h', 3600e6],
    ['1d', 86_400e6],
    ['7us', 7],
    ['0s', 0],
  ])('%s is %d µs', (text, micros) => {
    expect(parseDuration(text)).toBe(micros)
  })
  test.each(['', '1', 's', '1 s', '-1s', '1.s', '.5s', '1e3s', '1.5us', '0.0000001s', '999999999999d', '1M'])(
    '"%s" is none',
    (text) => {
      expect(parseDuration(text)).toBeUndefined()
    },
  )
  test('come back from their text, and from any decimal of a unit that is a whole number of µs', () => {
    const micros = fc.integer({ min: 0, max: 2 ** 40 })
    fc.assert(
      fc.property(micros, (n) => {
        expect(parseDuration(formatDuration(n))).toBe(n)
        expect(parseDuration(`${Math.floor(n / 1e6)}.${String(n % 1e6).padStart(6, '0')}s`)).toBe(n)
        expect(parseDuration(`${Math.floor(n / 1e3)}.${String(n % 1e3).padStart(3, '0')}ms`)).toBe(n)
      }),
    )
  })
  test.each([
    [60e6, '1m'],
    [90e6, '90s'],
    [1, '1us'],
    [1500, '1500us'],
    [0, '0s'],
    [172_800e6, '2d'],
  ])('%d µs are written %s', (micros, text) => {
    expect(formatDuration(micros)).toBe(text)
  })
  test('as a param are text or whole µs, and µs once parsed', () => {
    expect([z.parse(duration(), '1m'), z.parse(duration(), 60e6)]).toEqual([60e6, 60e6])
    for (const wrong of [1.5, -1, '1', 'soon', null, '1.5us'])
      expect(z.safeParse(duration(), wrong).success).toBe(false)
  })
})

describe('times', () => {
  test.each([
    ['2024-08-08T23:54:15.123456Z', 1_723_161_255_123_456],
    ['2024-08-08T23:54:15Z', 1_723_161_255_000_000],
    ['2024-08-08 23:54:15', 1_723_161_255_000_000],
    ['2024-08-08T23:54', 1_723_161_240_000_000],
    ['2024-08-08', 1_723_075_200_000_000],
    ['2024-08-09T01:54:15.5+02:00', 1_723_161_255_500_000],
    ['2024-08-09T01:54:15+0200', 1_723_161_255_000_000],
    ['2024-08-08T23:54:15.123456789Z', 1_723_161_255_123_456],
    ['1723161255123456', 1_723_161_255_123_456],
  ])('%s is %d', (text, at) => {
    expect(parseTime(text)).toBe(at)
  })
  test.each([
    '',
    'yesterday',
    '2024-13-01',
    '2024-08-08T25:00',
    '08/08/2024',
    '99999999999999999999',
    '2024-08-08T23:54:15.Z',
  ])('"%s" is none', (text) => {
    expect(parseTime(text)).toBeUndefined()
  })
  test('come back from their text to the µs', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }), (at) => {
        expect(parseTime(formatTime(at))).toBe(at)
      }),
    )
  })
  test('show no more decimals than they need', () => {
    expect([formatTime(0), formatTime(1), formatTime(1000)]).toEqual([
      '1970-01-01T00:00:00.000Z',
      '1970-01-01T00:00:00.000001Z',
      '1970-01-01T00:00:00.001Z',
    ])
    expect(z.safeParse(EventTime, -1).success).toBe(false)
  })
})

test('an instrument is a venue and its own spelling of a symbol', () => {
  const good = [
    `uniswap_v4:0x${'4'.repeat(64)}`,
    'binance:BTCUSDT',
    'okx:BTC-USDT-SWAP',
    'uniswap_v3:0xabc/0xdef',
    'lean:BRK.B',
  ]
  const bad = ['BTCUSDT', ':BTC', 'binance:', 'Binance:BTC', 'binance:BTC USDT', `v:${'x'.repeat(67)}`]
  expect([...good, ...bad].map((text) => z.safeParse(Instrument, text).success)).toEqual([
    ...good.map(() => true),
    ...bad.map(() => false),
  ])
})

describe('subjects', () => {
  test('name namespace, pipeline, node, venue and symbol', () => {
    expect(subjectOf('paper', 'momentum', 'above', 'binance:BTCUSDT')).toBe('paper.sig.momentum.above.binance.BTCUSDT')
    expect(subjectOf('paper', 'm', 'n', '*')).toBe('paper.sig.m.n.%2A.-')
  })
  test('never hold a character that NATS gives a meaning, and no two symbols share one', () => {
    const symbols = fc.string({ minLength: 1, maxLength: 12 })
    fc.assert(
      fc.property(symbols, symbols, (a, b) => {
        const token = subjectToken(a)
        expect(token).not.toMatch(/[.*>/\s]/)
        if (a !== b) expect(subjectToken(b)).not.toBe(token)
      }),
    )
    expect(subjectOf('p', 's', 'n', 'v:A.B:C')).toBe('p.sig.s.n.v.A%2EB:C')
  })
})
