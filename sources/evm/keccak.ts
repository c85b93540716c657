// Keccak-256 as Ethereum has it: the padding of 2011, not that of SHA-3, which is why Node's own cannot be taken.
// keccak.team, Keccak specifications summary (2026-11).

const mask = (1n << 64n) - 1n
const turn = (x: bigint, by: bigint): bigint => ((x << by) | (x >> (64n - by))) & mask

/** The constants of the 24 rounds, from the degree-8 shift register that defines them. */
const rounds: readonly bigint[] = (() => {
  let register = 1
  return Array.from({ length: 24 }, () => {
    let constant = 0n
    for (let j = 0; j < 7; j++) {
      if (register & 1) constant |= 1n << BigInt(2 ** j - 1)
      register = register & 0x80 ? ((register << 1) ^ 0x171) & 0xff : register << 1
    }
    return constant
  })
})()

function permute(lanes: bigint[]): void {
  const at = (x: number, y: number): bigint => lanes[(x % 5) + 5 * (y % 5)] as bigint
  for (const constant of rounds) {
    const columns = [0, 1, 2, 3, 4].map((x) => at(x, 0) ^ at(x, 1) ^ at(x, 2) ^ at(x, 3) ^ at(x, 4))
    for (let x = 0; x < 5; x++) {
      const mixed = (columns[(x + 4) % 5] as bigint) ^ turn(columns[(x + 1) % 5] as bigint, 1n)
      for (let y = 0; y < 5; y++) lanes[x + 5 * y] = at(x, y) ^ mixed
    }
    let [x, y, carried] = [1, 0, at(1, 0)]
    for (let t = 0; t < 24; t++) {
      ;[x, y] = [y, (2 * x + 3 * y) % 5]
      const next = at(x, y)
      lanes[x + 5 * y] = turn(carried, BigInt((((t + 1) * (t + 2)) / 2) % 64))
      carried = next
    }
    const before = [...lanes]
    const was = (x: number, y: number): bigint => before[(x % 5) + 5 * y] as bigint
    for (let y = 0; y < 5; y++)
      for (let x = 0; x < 5; x++) lanes[x + 5 * y] = was(x, y) ^ (~was(x + 1, y) & mask & was(x + 2, y))
    lanes[0] = at(0, 0) ^ constant
  }
}

/** The digest of some bytes, as 64 hex digits. For set-up, not for a tick: it takes about a millisecond. */
export function keccak256(bytes: Uint8Array): string {
  const rate = 136
  const padded = new Uint8Array(Math.floor(bytes.length / rate + 1) * rate)
  padded.set(bytes)
  padded[bytes.length] = 1
  padded[padded.length - 1] = (padded.at(-1) as number) | 0x80
  const view = new DataView(padded.buffer)
  const lanes = Array<bigint>(25).fill(0n)
  for (let from = 0; from < padded.length; from += rate) {
    for (let lane = 0; lane < rate / 8; lane++)
      lanes[lane] = (lanes[lane] as bigint) ^ view.getBigUint64(from + 8 * lane, true)
    permute(lanes)
  }
  const digest = new DataView(new ArrayBuffer(32))
  for (let lane = 0; lane < 4; lane++) digest.setBigUint64(8 * lane, lanes[lane] as bigint, true)
  return Buffer.from(digest.buffer).toString('hex')
}
