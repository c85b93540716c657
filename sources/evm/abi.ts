// The ABI's words of 32 bytes, read off `0x…` text that `wire.ts` has checked.
// docs.soliditylang.org, Contract ABI Specification (2026-11).

const word = (data: string, n: number): string => data.slice(2 + 64 * n, 66 + 64 * n)

export const wordsIn = (data: string): number => (data.length - 2) / 64

/** The n-th word as a number of 256 bits without a sign. */
export const unsigned = (data: string, n: number): bigint => BigInt(`0x${word(data, n)}`)

/** The n-th word as a number with a sign: narrower types are extended to the whole word. */
export const signed = (data: string, n: number): bigint => BigInt.asIntN(256, unsigned(data, n))

/** The n-th word as an address, lower case. */
export const address = (data: string, n: number): string => `0x${word(data, n).slice(24).toLowerCase()}`

/** Whether a word holds a value of so many bits and nothing above it. */
export const fits = (value: bigint, bits: number): boolean =>
  value < 0n ? value >= -(1n << BigInt(bits - 1)) : value < 1n << BigInt(bits)

/** A number as a word: negative ones in two's complement. */
export const toWord = (value: bigint): string => BigInt.asUintN(256, value).toString(16).padStart(64, '0')

/** Whole units of a token as a double of whole tokens, rounded once. */
export const wholeTokens = (units: bigint, decimals: number): number => Number(`${units}e-${decimals}`)
