import { keccak256 } from './keccak.ts'
import type { LogFilter } from './link.ts'

/** The three bits a value sets among the 2048 of a bloom: Yellow Paper (2025-02), 4.4.1, M3:2048. */
function bitsOf(value: string): readonly number[] {
  const digest = Buffer.from(keccak256(Buffer.from(value.slice(2), 'hex')), 'hex')
  return [0, 2, 4].map((at) => digest.readUInt16BE(at) & 2047)
}

/** Answers of a bloom whether its block may have logs of a filter: where it says no there are none. */
export function mayHold({ address, topics: [first] }: LogFilter): (bloom: string) => boolean {
  const [addresses, topics] = [address.map(bitsOf), first.map(bitsOf)]
  return (bloom) => {
    const bytes = Buffer.from(bloom.slice(2), 'hex')
    const has = (bits: readonly number[]) =>
      bits.every((bit) => ((bytes[bytes.length - 1 - (bit >> 3)] ?? 0) & (1 << (bit & 7))) !== 0)
    return addresses.some(has) && topics.some(has)
  }
}
