import { z } from 'zod'
import { losses } from './wire.ts'

/**
 * A recording is lines of bytes: `<ns> <connection> <word> <payload>`. `ns` is the local time of receipt in ns since 1970
 * (the clock counts µs), `connection` the place of a connection among those of its source, from 0, or `-`.
 */
export const rawWords = {
  in: 'a text message that was received, byte by byte',
  in64: 'one with a line break in it, in base64',
  binary64: 'a binary message that was received, in base64',
  out: 'a text message that was sent',
  out64: 'one with a line break in it, in base64',
  opened: 'nothing: the connection is open',
  alive: 'nothing: the peer answered a ping, or sent one',
  dropped: 'nothing: the source gave the connection up; what was received before is still dealt with, then it is lost',
  lost: 'why the connection ended, and details',
  retrying: 'the attempt, and the µs until it',
  ask: 'JSON: a question to a REST interface, without the address in front of it',
  answer: 'JSON: what came of the question of that `id`',
  start: 'JSON, the first line of a recording: source, params, seed of chance, rows the log held before',
  continued: 'the same, as the first line of a file that goes on with a recording',
  endpoint: "JSON: an address in place of the venue's own, without path, query and user, where keys stand",
  failed: 'JSON: the source could not start',
  stop: 'nothing: the recording was ended, and not cut off',
} as const
export type RawLine =
  | { readonly word: 'in'; readonly bytes: Buffer; readonly binary: boolean }
  | { readonly word: 'out'; readonly text: string }
  | { readonly word: 'opened' }
  | { readonly word: 'alive' }
  | { readonly word: 'dropped' }
  | { readonly word: 'stop' }
  | { readonly word: 'lost'; readonly loss: (typeof losses)[number]; readonly detail: string }
  | { readonly word: 'retrying'; readonly after: number; readonly attempt: number }
  | { readonly word: 'ask'; readonly value: z.output<typeof Ask> }
  | { readonly word: 'answer'; readonly value: z.output<typeof Answer> }
  | { readonly word: 'start' | 'continued'; readonly value: RawStart }
  | { readonly word: 'endpoint'; readonly value: z.output<typeof Endpoint> }
  | { readonly word: 'failed'; readonly value: z.output<typeof Failed> }
export interface Stamped {
  /** µs. */
  readonly at: number
  readonly connection: number
  readonly line: RawLine
}

const Ask = z.object({ id: z.int(), path: z.string() })
const id = z.int()
const Answer = z.union([
  z.object({ id, status: z.int(), retry_after: z.string(), text: z.string() }),
  z.object({ id, failure: z.enum(['oversized', 'unreachable']), text: z.string() }),
])
const Start = z.object({
  tidegate_raw: z.literal(1),
  node: z.string(),
  source: z.string(),
  version: z.int(),
  params: z.unknown(),
  /** How many rows the log held already. */
  position: z.int().nonnegative(),
  /** Of what is left to chance. */
  seed: z.int().nonnegative(),
})
export interface RawStart extends Readonly<z.output<typeof Start>> {}
const Endpoint = z.object({ name: z.string(), address: z.string().nullable() })
const Failed = z.object({ code: z.string(), message: z.string() })

const LINE_BREAK = 10
const oneLine = (text: string): string => text.replaceAll(/[\r\n]+/g, ' ')

function payloadOf(line: RawLine): readonly [word: string, payload: Buffer | string] {
  switch (line.word) {
    case 'in':
      if (line.binary) return ['binary64', line.bytes.toString('base64')]
      return line.bytes.includes(LINE_BREAK) ? ['in64', line.bytes.toString('base64')] : ['in', line.bytes]
    case 'out':
      return line.text.includes('\n') ? ['out64', Buffer.from(line.text).toString('base64')] : ['out', line.text]
    case 'lost':
      return [line.word, `${line.loss} ${oneLine(line.detail)}`]
    case 'retrying':
      return [line.word, `${line.attempt} ${line.after}`]
    case 'opened':
    case 'alive':
    case 'dropped':
    case 'stop':
      return [line.word, '']
    case 'ask':
    case 'answer':
    case 'start':
    case 'continued':
    case 'endpoint':
    case 'failed':
      return [line.word, JSON.stringify(line.value)]
  }
}
export function encodeLine({ at, connection, line }: Stamped): Buffer {
  const [word, payload] = payloadOf(line)
  const head = `${at}000 ${connection < 0 ? '-' : connection} ${word} `
  if (typeof payload === 'string') return Buffer.from(`${head}${payload}\n`)
  const bytes = Buffer.allocUnsafe(head.length + payload.length + 1)
  bytes.write(head, 'latin1')
  payload.copy(bytes, head.length)
  bytes[bytes.length - 1] = LINE_BREAK
  return bytes
}

const HEAD = /^(\d{1,16})\d{3} (\d{1,4}|-) ([a-z]+[0-9]*) /
/** What a line says, or in words why it says nothing. The line break is left off. */
export function decodeLine(bytes: Buffer): Stamped | string {
  const [head = '', at, connection, word = ''] = HEAD.exec(bytes.toString('latin1', 0, 64)) ?? []
  if (at === undefined) return 'expected <ns> <connection> <word> <payload>'
  const line = lineOf(word, bytes.subarray(head.length))
  if (typeof line === 'string') return line
  return { at: Number(at), connection: connection === '-' ? -1 : Number(connection), line }
}

const based = (payload: Buffer): Buffer => Buffer.from(payload.toString('latin1'), 'base64')
function lineOf(word: string, payload: Buffer): RawLine | string {
  switch (word) {
    case 'in':
      return { word, bytes: payload, binary: false }
    case 'in64':
      return { word: 'in', bytes: based(payload), binary: false }
    case 'binary64':
      return { word: 'in', bytes: based(payload), binary: true }
    case 'out':
      return { word, text: payload.toString() }
    case 'out64':
      return { word: 'out', text: based(payload).toString() }
    case 'opened':
    case 'alive':
    case 'dropped':
    case 'stop':
      return { word }
    case 'lost': {
      const [loss = '', ...detail] = payload.toString().split(' ')
      const known = losses.find((name) => name === loss)
      return known === undefined
        ? `expected why the connection was lost, found "${loss}"`
        : { word, loss: known, detail: detail.join(' ') }
    }
    case 'retrying': {
      const [attempt, after] = payload.toString().split(' ').map(Number)
      return Number.isSafeInteger(attempt) && Number.isSafeInteger(after)
        ? { word, attempt: attempt as number, after: after as number }
        : 'expected an attempt and a time to wait'
    }
    case 'ask':
      return read(payload, Ask, (value) => ({ word, value }))
    case 'answer':
      return read(payload, Answer, (value) => ({ word, value }))
    case 'start':
    case 'continued':
      return read(payload, Start, (value) => ({ word, value }))
    case 'endpoint':
      return read(payload, Endpoint, (value) => ({ word, value }))
    case 'failed':
      return read(payload, Failed, (value) => ({ word, value }))
    default:
      return `"${word}" is no word of a recording`
  }
}
function read<T>(payload: Buffer, schema: z.ZodType<T>, line: (value: T) => RawLine): RawLine | string {
  try {
    return line(z.parse(schema, JSON.parse(payload.toString())))
  } catch (error) {
    return error instanceof z.ZodError ? z.prettifyError(error).replaceAll(/\n\s*/g, ' ') : (error as Error).message
  }
}
