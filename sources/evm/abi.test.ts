import { AbiCoder } from 'ethers'
import { assert, bigInt, integer, property } from 'fast-check'
import { expect, test } from 'vitest'
import { address, fits, signed, toWord, unsigned, wholeTokens, wordsIn } from './abi.ts'

const coder = AbiCoder.defaultAbiCoder()
const wide = bigInt({ min: -(1n << 255n), max: (1n << 255n) - 1n })

test('words are read as the ABI writes them, whatever the numbers', () => {
  assert(
    property(wide, wide, (a, b) => {
      const data = coder.encode(['int256', 'uint256', 'address'], [a, BigInt.asUintN(256, b), `0x${'ab'.repeat(20)}`])
      expect(wordsIn(data)).toBe(3)
      expect(signed(data, 0)).toBe(a)
      expect(unsigned(data, 1)).toBe(BigInt.asUintN(256, b))
      expect(address(data, 2)).toBe(`0x${'ab'.repeat(20)}`)
      expect(`0x${toWord(a)}`).toBe(coder.encode(['int256'], [a]))
    }),
  )
})

test('a value fits where its type holds it', () => {
  expect([fits((1n << 112n) - 1n, 112), fits(1n << 112n, 112)]).toEqual([true, false])
  expect([fits(-(1n << 23n), 24), fits(-(1n << 23n) - 1n, 24)]).toEqual([true, false])
})

test('whole tokens are the nearest double of the exact fraction', () => {
  expect(wholeTokens(1n, 18)).toBe(1e-18)
  expect(wholeTokens(7056176614974947328n, 18)).toBe(7.056176614974947)
  expect(wholeTokens(123n, 0)).toBe(123)
  assert(
    property(bigInt({ min: 0n, max: 1n << 128n }), integer({ min: 0, max: 36 }), (units, decimals) => {
      const scale = 10n ** BigInt(decimals)
      const text = `${units / scale}.${(units % scale).toString().padStart(decimals || 1, '0')}`
      expect(wholeTokens(units, decimals)).toBe(Number(text))
    }),
  )
})
