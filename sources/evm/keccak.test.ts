import { keccak256 as theirs } from 'ethers'
import { assert, property, uint8Array } from 'fast-check'
import { expect, test } from 'vitest'
import { keccak256 } from './keccak.ts'

test('the digest of nothing is the one everybody knows', () => {
  expect(keccak256(new Uint8Array())).toBe('c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470')
})

test('digests are those of ethers, for any length around the rate of 136 bytes', () => {
  assert(
    property(uint8Array({ maxLength: 300 }), (bytes) => {
      expect(`0x${keccak256(bytes)}`).toBe(theirs(bytes))
    }),
    { numRuns: 50 },
  )
})
