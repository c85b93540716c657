import { createHash } from 'node:crypto'

/** A frame of RFC 6455 as it stands in a stream of bytes. */
export interface Frame {
  /** 1 text, 2 binary, 0 continuation, 8 close, 9 ping, 10 pong. */
  readonly opcode: number
  /** The whole of it, header included. */
  readonly bytes: Buffer
  readonly payload: Buffer
}

const NOTHING = Buffer.alloc(0)
/** A message never comes in so large a frame here; without a bound a broken length would gather bytes for ever. */
const LARGEST = 2 ** 30

/** Where the frame ends that begins at `from`, and its payload begins; undefined while bytes are missing. */
function measure(bytes: Buffer, from: number): { payload: number; end: number } | undefined {
  if (bytes.length < from + 2) return undefined
  const second = bytes[from + 1]!
  const short = second & 0x7f
  const extended = short < 126 ? 0 : short === 126 ? 2 : 8
  const payload = from + 2 + extended + (second & 0x80 ? 4 : 0)
  if (bytes.length < payload) return undefined
  const length =
    extended === 0 ? short : extended === 2 ? bytes.readUInt16BE(from + 2) : Number(bytes.readBigUInt64BE(from + 2))
  if (length > LARGEST) throw new RangeError(`a frame of ${length} bytes`)
  return payload + length <= bytes.length ? { payload, end: payload + length } : undefined
}

/** Cuts a stream of bytes into whole frames, whatever chunks they come in. */
export class FrameReader {
  private rest: Buffer = NOTHING

  /** The bytes of all whole frames so far, as one piece: what is left waits for more. */
  whole(chunk: Buffer): Buffer {
    const bytes = this.joined(chunk)
    let end = 0
    for (let next = measure(bytes, end); next !== undefined; next = measure(bytes, end)) end = next.end
    this.rest = Buffer.from(bytes.subarray(end))
    return bytes.subarray(0, end)
  }
  *frames(chunk: Buffer): Generator<Frame> {
    const bytes = this.whole(chunk)
    for (let from = 0; from < bytes.length; ) {
      const { payload, end } = measure(bytes, from)!
      const masked = (bytes[from + 1]! & 0x80) !== 0
      yield {
        opcode: bytes[from]! & 0x0f,
        bytes: bytes.subarray(from, end),
        payload: masked ? unmask(bytes, payload, end) : bytes.subarray(payload, end),
      }
      from = end
    }
  }

  private joined(chunk: Buffer): Buffer {
    return this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk])
  }
}

function unmask(bytes: Buffer, from: number, end: number): Buffer {
  const clear = Buffer.from(bytes.subarray(from, end))
  for (let i = 0; i < clear.length; i++) clear[i] = clear[i]! ^ bytes[from - 4 + (i & 3)]!
  return clear
}

/** A whole message as a server sends it. */
export function serverFrame(opcode: number, payload: Buffer): Buffer {
  const { length } = payload
  const head = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10)
  head[0] = 0x80 | opcode
  head[1] = length < 126 ? length : length < 65_536 ? 126 : 127
  if (head.length === 4) head.writeUInt16BE(length, 2)
  if (head.length === 10) head.writeBigUInt64BE(BigInt(length), 2)
  return Buffer.concat([head, payload])
}

/** The answer that opens a connection (RFC 6455, 4.2.2). */
export function acceptance(key: string): string {
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
  const lines = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade']
  return [...lines, `Sec-WebSocket-Accept: ${accept}`, '', ''].join('\r\n')
}
