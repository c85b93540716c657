/** An account: workchain and the hash of its first state. */
const RAW = /^(-?\d{1,3}):([0-9a-fA-F]{64})$/
const FRIENDLY = /^[A-Za-z0-9+/_-]{48}$/
const TEST_ONLY = 0x80
const BOUNCEABLE = 0x11
const NOT_BOUNCEABLE = 0x51

/** CRC-16/XMODEM, big end first. */
export function crc16(bytes: Uint8Array): number {
  let crc = 0
  for (const byte of bytes) {
    crc ^= byte << 8
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000) !== 0 ? ((crc << 1) ^ 0x1021) & 0xffff : (crc << 1) & 0xffff
  }
  return crc
}

/**
 * The one spelling of an address used here: `0:` and 64 small hex digits. Takes raw and user-friendly forms
 * (docs.ton.org, Address formats, 2026-11); undefined where it is neither or its checksum is wrong.
 */
export function rawAddress(text: string): string | undefined {
  const raw = RAW.exec(text)
  if (raw !== null) {
    const workchain = Number(raw[1])
    return workchain >= -128 && workchain < 128 ? `${workchain}:${raw[2]?.toLowerCase()}` : undefined
  }
  if (!FRIENDLY.test(text)) return undefined
  const bytes = Buffer.from(text, 'base64url')
  const tag = bytes.readUInt8(0) & ~TEST_ONLY
  if (tag !== BOUNCEABLE && tag !== NOT_BOUNCEABLE) return undefined
  if (bytes.readUInt16BE(34) !== crc16(bytes.subarray(0, 34))) return undefined
  return `${bytes.readInt8(1)}:${bytes.toString('hex', 2, 34)}`
}

/** The bounceable form of the main network that DEX interfaces speak: 48 characters of base64url. */
export function friendlyAddress(raw: string): string {
  const [workchain = '0', hash = ''] = raw.split(':')
  const bytes = Buffer.alloc(36)
  bytes.writeUInt8(BOUNCEABLE, 0)
  bytes.writeInt8(Number(workchain), 1)
  bytes.write(hash, 2, 'hex')
  bytes.writeUInt16BE(crc16(bytes.subarray(0, 34)), 34)
  return bytes.toString('base64url')
}
