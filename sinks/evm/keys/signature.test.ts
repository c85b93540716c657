import { getBytes } from 'ethers'
import { assert, bigInt, property, uint8Array } from 'fast-check'
import { expect, test } from 'vitest'
import { signAtRandom, toDer } from '../../../testing/kms_signer.ts'
import { addressOfKey } from './local_signer.ts'
import { readSignature, settle } from './signature.ts'

const key = `0x${'1f'.repeat(32)}`
const address = addressOfKey(key)
const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
const digestOf = (byte: number) => new Uint8Array(32).fill(byte)
const hexOf = (digest: Uint8Array) => `0x${Buffer.from(digest).toString('hex')}`

test('whatever a signer gives becomes the one form a chain takes', () => {
  const seen = { high: 0, low: 0, odd: 0, even: 0 }
  for (let i = 0; i < 60; i++) {
    const digest = digestOf(i)
    const { r, s } = signAtRandom(key, hexOf(digest))
    const signature = settle(digest, r, s, address)
    expect(BigInt(signature.s)).toBeLessThanOrEqual(order / 2n)
    expect(settle(digest, r, order - s, address)).toEqual(signature)
    seen[s > order / 2n ? 'high' : 'low']++
    seen[signature.y_parity === 1 ? 'odd' : 'even']++
  }
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(0)
})

test.each([
  ['over another digest', digestOf(2), undefined],
  ['of r 0', digestOf(1), { r: 0n, s: 1n }],
  ['of s 0', digestOf(1), { r: 1n, s: 0n }],
  ['of r beyond the order', digestOf(1), { r: order, s: 1n }],
  ['of s equal to the order', digestOf(1), { r: 1n, s: order }],
  ['of an r that is on no curve', digestOf(1), { r: 5n, s: 1n }],
])('a signature %s is refused', (_what, digest, given) => {
  const { r, s } = given ?? signAtRandom(key, hexOf(digestOf(1)))
  expect(() => settle(digest, r, s, address)).toThrow(expect.objectContaining({ code: 'KEY_INVALID' }))
})

test('DER is read as it was written, whatever the lengths', () => {
  const number = bigInt({ min: 1n, max: order - 1n })
  assert(
    property(number, number, bigInt({ min: 0n, max: 255n }), (r, s, shift) => {
      const given = { r: (r >> shift) + 1n, s }
      expect(readSignature(getBytes(`0x${toDer(given)}`))).toEqual(given)
    }),
  )
})

test('what is no signature is none, and reading never throws', () => {
  const der = toDer(signAtRandom(key, hexOf(digestOf(1))))
  for (const bad of [
    '',
    '30',
    `31${der.slice(2)}`,
    der.slice(0, -2),
    `${der}00`,
    // negative, and with a needless zero
    '3006020180020101',
    '300702020001020101',
    '3006020101030101',
  ])
    expect(readSignature(getBytes(`0x${bad}`))).toBeUndefined()
  assert(
    property(uint8Array({ maxLength: 90 }), (bytes) => {
      const read = readSignature(bytes)
      if (bytes.length !== 64 && bytes.length !== 65 && read !== undefined)
        expect(`0x${toDer(read)}`).toBe(hexOf(bytes))
    }),
  )
})
