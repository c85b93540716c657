import type { Question } from './client.ts'
import type { LogFilter } from './link.ts'
import type { CallContract } from './pools.ts'
import { type Head, type Log, readHead, readLogs, readQuantity, toQuantity } from './wire.ts'

/** Asks one question of any endpoint. */
export type Ask = <T>(question: Question<T>) => Promise<T>

export const blockByHash = (hash: string, number: number): Question<Head> => ({
  method: 'eth_getBlockByHash',
  params: [hash, false],
  read: (answer) => {
    const head = readHead(answer)
    return head?.hash === hash && head.number === number ? head : undefined
  },
})
export const blockByNumber = (number: number | 'latest'): Question<Head> => ({
  method: 'eth_getBlockByNumber',
  params: [number === 'latest' ? number : toQuantity(number), false],
  read: (answer) => {
    const head = readHead(answer)
    return number === 'latest' || head?.number === number ? head : undefined
  },
})
export const transactionsIn = (hash: string): Question<number> => ({
  method: 'eth_getBlockTransactionCountByHash',
  params: [hash],
  read: readQuantity,
})
/** The logs of one block; those that were pushed must be among them. */
export const logsOfBlock = (
  filter: LogFilter,
  hash: string,
  pushed: ReadonlySet<number>,
): Question<readonly Log[]> => ({
  method: 'eth_getLogs',
  params: [{ ...filter, blockHash: hash }],
  read: (answer) => {
    const logs = readLogs(answer)
    const found = new Set(logs?.map(({ index }) => index))
    const whole = logs?.every((log) => log.block_hash === hash) && [...pushed].every((index) => found.has(index))
    return whole === true ? logs : undefined
  },
})
export const logsBetween = (filter: LogFilter, from: number, to: number): Question<readonly Log[]> => ({
  method: 'eth_getLogs',
  params: [{ ...filter, fromBlock: toQuantity(from), toBlock: toQuantity(to) }],
  once: true,
  read: (answer) => {
    const logs = readLogs(answer)
    return logs?.every(({ block }) => block >= from && block <= to) === true ? logs : undefined
  },
})
/** Calls a contract as of a block, or of the newest. EIP-1898 names blocks by their hash. */
export const caller =
  (ask: Ask, hash?: string): CallContract =>
  (to, data) =>
    ask({
      method: 'eth_call',
      params: [{ to, data }, hash === undefined ? 'latest' : { blockHash: hash }],
      read: (answer) => (typeof answer === 'string' ? answer : undefined),
    })
