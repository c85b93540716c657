import { type MsgHdrs, MsgHdrsImpl } from '@nats-io/transport-node'
import { afterSpace } from './wire.ts'

/** A message of a stream, as it came: its data are a view, and of the rest nothing is read before somebody asks. */
export class Pulled {
  readonly seq: number
  /** Begins at a multiple of 8. */
  readonly data: Uint8Array
  private readonly bytes: Uint8Array
  private readonly line: number
  private readonly head: number
  private readonly body: number

  /** `bytes` hold its subject from `line` on, its headers from `head` to `body`, and its data from there to `end`. */
  constructor(seq: number, bytes: Uint8Array, line: number, head: number, body: number, end: number) {
    this.seq = seq
    this.data = new Uint8Array(bytes.buffer as ArrayBuffer, bytes.byteOffset + body, end - body)
    this.bytes = bytes
    this.line = line
    this.head = head
    this.body = body
  }

  get subject(): string {
    return textOf(this.bytes, this.line, afterSpace(this.bytes, this.line) - 1)
  }
  get headers(): MsgHdrs | undefined {
    const { bytes, head, body } = this
    return head === body ? undefined : MsgHdrsImpl.decode(bytes.subarray(head, body))
  }
  json<T>(): T {
    return JSON.parse(textOf(this.data, 0, this.data.length)) as T
  }
}

const textOf = (bytes: Uint8Array, from: number, to: number): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('utf8')
