import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { friendlyAddress, rawAddress } from './address.ts'

const recorded = join(process.env['TIDEGATE_DATA'] ?? './data', 'dex/tonapi-actions')
/** Pairs as public pages write them (ton-org/docs v3-pagination, ton-swift StonfiConstants, docs.ton.org): both spellings. */
const pairs = [
  [
    'EQDtFpEwcFAEcRe5mLVh2N6C0x-_hJEM7W61_JLnSF74p4q2',
    '0:ed1691307050047117b998b561d8de82d31fbf84910ced6eb5fc92e7485ef8a7',
  ],
  [
    'EQB3ncyBUTjZUA5EnFKR5_EnOMI9V1tTEAAPaiU71gc4TiUt',
    '0:779dcc815138d9500e449c5291e7f12738c23d575b5310000f6a253bd607384e',
  ],
  [
    'EQC7vuKEYLdC72YhUWt3AUVA-Oi66Q1DxTHXH7r6pXaV50j7',
    '0:bbbee28460b742ef6621516b77014540f8e8bae90d43c531d71fbafaa57695e7',
  ],
  ['EQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAM9c', `0:${'0'.repeat(64)}`],
] as const

test.each(pairs)('%s and its raw form are one account', (friendly, raw) => {
  expect(rawAddress(friendly)).toBe(raw)
  expect(rawAddress(raw.toUpperCase())).toBe(raw)
  expect(friendlyAddress(raw)).toBe(friendly)
})

test('other forms of the same account: not bounceable, of the test network, in plain base64, on the masterchain', () => {
  const [friendly, raw] = pairs[0]
  expect(rawAddress(friendly.replaceAll('-', '+').replaceAll('_', '/'))).toBe(raw)
  const masterchain = `-1:${'5'.repeat(64)}`
  expect(rawAddress(friendlyAddress(masterchain))).toBe(masterchain)
})

test('every address comes back as it went, and one wrong character is found', () => {
  const hash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex'))
  const raw = fc.tuple(fc.constantFrom(0, -1), hash).map(([workchain, hash]) => `${workchain}:${hash}`)
  fc.assert(
    fc.property(raw, fc.nat(47), fc.nat(62), (raw, place, step) => {
      const friendly = friendlyAddress(raw)
      expect(rawAddress(friendly)).toBe(raw)
      const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
      const other = letters[(letters.indexOf(friendly[place] ?? '') + 1 + step) % 64]
      expect(rawAddress(friendly.slice(0, place) + other + friendly.slice(place + 1))).toBeUndefined()
    }),
  )
})

test.each(['', '0:12', 'EQ', '200:'.padEnd(68, '0'), `0:${'g'.repeat(64)}`, 'toncoin'])('%s is no address', (text) => {
  expect(rawAddress(text)).toBeUndefined()
})

test.skipIf(!existsSync(recorded))(
  'every address in the recorded actions of TonAPI reads as itself (dex/tonapi-actions)',
  () => {
    let count = 0
    for (const file of readdirSync(recorded))
      for (const [raw] of readFileSync(join(recorded, file), 'utf8').matchAll(/-?\d:[0-9a-f]{64}/g)) {
        count++
        expect(rawAddress(raw)).toBe(raw)
        expect(rawAddress(friendlyAddress(raw))).toBe(raw)
      }
    expect(count).toBeGreaterThan(100)
  },
)
