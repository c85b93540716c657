/** The payload record `seq` of a crash test has: of changing length, and different in every byte from its neighbours. */
export function payloadOf(seq: number): Uint8Array {
  const bytes = new Uint8Array((seq * 7919) % 5000)
  for (let i = 0; i < bytes.length; i++) bytes[i] = (seq * 31 + i * 7) & 255
  return bytes
}
