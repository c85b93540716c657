import { isFields } from '../../runtime/define.ts'

// What a node says, read where it enters: ethereum.github.io/execution-apis (2026-11). Hashes and addresses in lower case.

/** A block as its header tells it. */
export interface Head {
  readonly number: number
  readonly hash: string
  readonly parent: string
  /** Its time, µs. */
  readonly at: number
  /** Wei, decimal; 0 before there was one. */
  readonly base_fee: string
  readonly gas_used: number
  readonly gas_limit: number
  /** Headers that a node pushes do not say how many there are. */
  readonly transactions: number | undefined
  /** The bloom of its logs; `0x` where the node tells none. */
  readonly bloom: string
}
export interface Log {
  readonly address: string
  readonly topics: readonly string[]
  readonly data: string
  readonly block: number
  readonly block_hash: string
  readonly transaction: string
  readonly index: number
}

/** A quantity such as `0x1b4`; undefined where it is none, or beyond what a double counts. */
export function readQuantity(value: unknown): number | undefined {
  if (typeof value !== 'string' || !/^0x[0-9a-f]{1,14}$/i.test(value)) return undefined
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : undefined
}
export const toQuantity = (value: number): string => `0x${value.toString(16)}`

const hash = (value: unknown): string | undefined =>
  typeof value === 'string' && /^0x[0-9a-f]{64}$/i.test(value) ? value.toLowerCase() : undefined

/** Whole words of 32 bytes. Other contracts may log other lengths: those are none of ours. */
export const isWords = (value: unknown): value is string =>
  typeof value === 'string' && /^0x[0-9a-f]*$/i.test(value) && (value.length - 2) % 64 === 0

/** The latest year a block's time is believed to be of: what comes after is rubbish. */
const endOfTime = 4102444800

export function readHead(value: unknown): Head | undefined {
  if (!isFields(value)) return undefined
  const [number, seconds] = [readQuantity(value['number']), readQuantity(value['timestamp'])]
  const [own, parent] = [hash(value['hash']), hash(value['parentHash'])]
  const [used, limit] = [readQuantity(value['gasUsed']), readQuantity(value['gasLimit'])]
  const fee = value['baseFeePerGas'] ?? '0x0'
  if (number === undefined || seconds === undefined || own === undefined || parent === undefined) return undefined
  if (used === undefined || limit === undefined || seconds > endOfTime) return undefined
  if (typeof fee !== 'string' || !/^0x[0-9a-f]{1,64}$/i.test(fee)) return undefined
  const { transactions, logsBloom } = value
  return {
    number,
    hash: own,
    parent,
    at: seconds * 1e6,
    base_fee: BigInt(fee).toString(),
    gas_used: used,
    gas_limit: limit,
    transactions: Array.isArray(transactions) ? transactions.length : undefined,
    bloom: typeof logsBloom === 'string' && /^0x[0-9a-f]{512}$/i.test(logsBloom) ? logsBloom : '0x',
  }
}

export function readLog(value: unknown): Log | undefined {
  if (!isFields(value)) return undefined
  const { address, topics, data } = value
  const [block, index] = [readQuantity(value['blockNumber']), readQuantity(value['logIndex'])]
  const [block_hash, transaction] = [hash(value['blockHash']), hash(value['transactionHash'])]
  if (block === undefined || index === undefined || block_hash === undefined || transaction === undefined)
    return undefined
  if (typeof address !== 'string' || !/^0x[0-9a-f]{40}$/i.test(address)) return undefined
  if (typeof data !== 'string' || !/^0x[0-9a-f]*$/i.test(data)) return undefined
  const read = Array.isArray(topics) ? topics.map(hash) : [undefined]
  if (read.includes(undefined)) return undefined
  return {
    address: address.toLowerCase(),
    topics: read as string[],
    data: data.toLowerCase(),
    block,
    block_hash,
    transaction,
    index,
  }
}

/** Logs in the order of the chain; undefined where any of them is none. */
export function readLogs(value: unknown): readonly Log[] | undefined {
  if (!Array.isArray(value)) return undefined
  const logs = value.map(readLog)
  if (logs.includes(undefined)) return undefined
  return (logs as Log[]).toSorted((a, b) => a.block - b.block || a.index - b.index)
}
