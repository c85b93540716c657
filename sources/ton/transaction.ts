import { rawAddress } from './address.ts'

export type Fields = Readonly<Record<string, unknown>>
export const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export interface Message {
  /** Empty for one from outside. */
  readonly source: string
  /** Empty for one to the outside: a log. */
  readonly destination: string
  /** The first 32 bits of the body; -1 where it has none. */
  readonly opcode: number
  /** Bag of cells, base64; empty where it was not sent. */
  readonly body: string
}
export interface Transaction {
  readonly account: string
  readonly hash: string
  readonly lt: number
  /** `lt` of the transaction of the same account before this one: the chain that proves nothing is missing. */
  readonly previous: number
  /** µs. */
  readonly at: number
  /** Sequence number of the masterchain block, 0 before there is one. */
  readonly block: number
  /** Empty where it is not told. */
  readonly trace: string
  readonly aborted: boolean
  readonly received: Message | undefined
  readonly sent: readonly Message[]
}

/** Schema `Transaction` of TON Center's API v3, which its Streaming API sends too (ton-org/docs v3.yaml, 2026-11). */
export function transactionOf(value: unknown): Transaction | undefined {
  if (!isFields(value)) return undefined
  const { hash, now, mc_block_seqno, trace_id, description, in_msg, out_msgs } = value
  const account = typeof value['account'] === 'string' ? rawAddress(value['account']) : undefined
  const lt = timeOf(value['lt'])
  const previous = timeOf(value['prev_trans_lt'])
  if (account === undefined || lt === undefined || previous === undefined || typeof hash !== 'string') return undefined
  if (!Number.isSafeInteger(now) || (now as number) <= 0 || !Array.isArray(out_msgs)) return undefined
  const received = isFields(in_msg) ? messageOf(in_msg) : undefined
  const sent = out_msgs.map((message) => (isFields(message) ? messageOf(message) : undefined))
  if (sent.includes(undefined)) return undefined
  return {
    ...{ account, hash, lt, previous, received, sent: sent as readonly Message[] },
    at: (now as number) * 1e6,
    block: Number.isSafeInteger(mc_block_seqno) && (mc_block_seqno as number) > 0 ? (mc_block_seqno as number) : 0,
    trace: typeof trace_id === 'string' ? trace_id : '',
    aborted: isFields(description) && description['aborted'] === true,
  }
}

/** Logical times are below 2^53 for decades to come: 6.7e13 in 2026. */
export function timeOf(value: unknown): number | undefined {
  const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value
  return Number.isSafeInteger(number) && (number as number) >= 0 ? (number as number) : undefined
}

function messageOf({ source, destination, opcode, message_content }: Fields): Message {
  const body = isFields(message_content) ? message_content['body'] : undefined
  return {
    source: (typeof source === 'string' && rawAddress(source)) || '',
    destination: (typeof destination === 'string' && rawAddress(destination)) || '',
    opcode: opcodeOf(opcode),
    body: typeof body === 'string' ? body : '',
  }
}
/** Signed 32 bits, or the hex of newer versions. */
const opcodeOf = (value: unknown): number =>
  (typeof value === 'number' || typeof value === 'string') && Number.isInteger(Number(value)) && value !== ''
    ? Number(value) >>> 0
    : -1
