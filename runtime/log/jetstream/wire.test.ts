import type { NatsConnection } from '@nats-io/transport-node'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Pulled } from './pulled.ts'
import { Wire } from './wire.ts'

const TAPPED = 7
interface Line {
  readonly sid: number
  readonly reply: string
  readonly head: string
  readonly data: Uint8Array
}
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1')
/** As servers write it, who leave two spaces where headers come without a reply. */
function written({ sid, reply, head, data }: Line): Buffer {
  const size = head.length + data.length
  const begin = head === '' ? `MSG s.ä ${sid} ${reply === '' ? '' : `${reply} `}${size}` : undefined
  const line = begin ?? `HMSG s.ä ${sid} ${reply} ${head.length} ${size}`
  return Buffer.concat([Buffer.from(`${line}\r\n${head}`), data, Buffer.from('\r\n')])
}
const isTaken = ({ sid, reply }: Line) => sid === TAPPED && reply !== ''

const line: fc.Arbitrary<Line> = fc.record({
  sid: fc.constantFrom(TAPPED, 17, 3),
  reply: fc.constantFrom('', '$JS.ACK.a.b.1.23.4.5.6'),
  head: fc.constantFrom('', 'NATS/1.0\r\n\r\n', 'NATS/1.0\r\nA: first\r\nB: last\r\n\r\n'),
  data: fc.uint8Array({ maxLength: 60 }),
})
const other: fc.Arbitrary<string> = fc.constantFrom(
  'PING\r\n',
  '+OK\r\n',
  "-ERR 'MSG x 7 y 3'\r\n",
  'INFO {"version":"2.10"}\r\n',
)

describe('what a server sends', () => {
  test('goes to the taps and to the client, each its own, wherever it is cut', () => {
    const pieces = fc.array(fc.oneof(line, other), { maxLength: 12 })
    fc.assert(
      fc.property(pieces, fc.array(fc.nat(400), { maxLength: 30 }), (all, lengths) => {
        const protocol = {
          inMsgs: 0,
          inBytes: 0,
          parser: { state: 0, parse: (bytes: Uint8Array) => said.push(text(bytes)) },
        }
        const said: string[] = []
        const wire = Wire.of({ protocol } as unknown as NatsConnection)
        const taken: { subject: string; head: string; data: string; reply: string }[] = []
        wire.tap(TAPPED, (bytes, at, reply, head, body, end) => {
          const pulled = new Pulled(1, bytes, at, head, body, end)
          if (pulled.data.length > 0) expect(pulled.data.byteOffset % 8).toBe(0)
          const shown = text(bytes.subarray(reply, reply + 13))
          taken.push({
            subject: pulled.subject,
            head: text(bytes.subarray(head, body)),
            data: text(pulled.data),
            reply: shown,
          })
        })
        const stream = Buffer.concat(all.map((one) => (typeof one === 'string' ? Buffer.from(one) : written(one))))
        let from = 0
        for (const length of [...lengths, stream.length]) {
          // what comes is memory of its own, which may be written to
          protocol.parser.parse(new Uint8Array(stream.subarray(from, from + length)))
          from += length
        }
        const mine = all.filter((one): one is Line => typeof one !== 'string' && isTaken(one))
        expect(taken).toEqual(
          mine.map(({ head, data }) => ({ subject: 's.ä', head, data: text(data), reply: '$JS.ACK.a.b.1' })),
        )
        const rest = all.filter((one) => typeof one === 'string' || !isTaken(one))
        const client = rest.map((one) => (typeof one === 'string' ? Buffer.from(one) : written(one)))
        expect(said.join('')).toBe(text(Buffer.concat(client)))
        expect(protocol.inMsgs).toBe(mine.length)
      }),
      { numRuns: 2_000 },
    )
  })
  test('is heard afresh on a new connection, and by the client again when the tap is released', () => {
    const said: string[] = []
    const parser = () => ({ state: 0, parse: (bytes: Uint8Array) => said.push(text(bytes)) })
    const protocol = { inMsgs: 0, inBytes: 0, parser: parser() }
    const wire = Wire.of({ protocol } as unknown as NatsConnection)
    const taken: string[] = []
    wire.tap(TAPPED, (bytes, _line, _reply, _head, body, end) => taken.push(text(bytes.subarray(body, end))))
    const message = (data: string) => written({ sid: TAPPED, reply: 'r', head: '', data: Buffer.from(data) })
    protocol.parser.parse(message('lost amid').subarray(0, 20))
    protocol.parser = parser()
    protocol.parser.parse(message('whole'))
    expect(taken).toEqual(['whole'])
    wire.release(TAPPED)
    protocol.parser.parse(message('later'))
    expect(said.join('')).toBe(text(message('later')))
  })
  test('begins where the client is, be it amid a line', () => {
    const said: string[] = []
    const parser = {
      state: 30,
      parse(bytes: Uint8Array) {
        said.push(text(bytes))
        if (bytes.at(-1) === 10) parser.state = 0
      },
    }
    const protocol = { inMsgs: 0, inBytes: 0, parser }
    const wire = Wire.of({ protocol } as unknown as NatsConnection)
    const taken: string[] = []
    wire.tap(TAPPED, (bytes, _line, _reply, _head, body, end) => taken.push(text(bytes.subarray(body, end))))
    const message = written({ sid: TAPPED, reply: 'r', head: '', data: Buffer.from('mine') })
    protocol.parser.parse(Buffer.from('sion":"2.10'))
    protocol.parser.parse(Buffer.concat([Buffer.from('"}\r\n'), message]))
    expect(said.join('')).toBe('sion":"2.10"}\r\n')
    expect(taken).toEqual(['mine'])
  })
})
