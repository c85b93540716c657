import type { Reply } from './faulty_rpc_server.ts'

type Ask = (method: string, params: readonly unknown[]) => Promise<Reply>

/** Where the block a method reads at stands among its params, for those that read at one. */
const blockAt: Readonly<Record<string, number>> = {
  eth_call: 1,
  eth_estimateGas: 1,
  eth_simulateV1: 1,
  eth_getTransactionCount: 1,
  eth_getBalance: 1,
  eth_getCode: 1,
  eth_feeHistory: 1,
  eth_getStorageAt: 2,
  eth_getBlockByNumber: 0,
}
const hex = (value: number): string => `0x${value.toString(16)}`
const number = (value: unknown): number | undefined =>
  typeof value === 'string' && value.startsWith('0x') ? Number(value) : undefined

/** The answer of a node whose head is so many blocks behind: what came later is not there, and nothing is pending. */
export async function staleRead(
  ask: Ask,
  blocks: number,
  method: string,
  params: readonly unknown[],
): Promise<Reply | undefined> {
  const reply = await ask('eth_blockNumber', [])
  if ('error' in reply) return reply
  const head = Math.max(0, Number(reply.result) - blocks)
  if (method === 'eth_blockNumber') return { result: hex(head) }
  if (method === 'eth_getTransactionReceipt' || method === 'eth_getTransactionByHash') {
    const found = await ask(method, params)
    if ('error' in found) return found
    const at = number((found.result as { blockNumber?: unknown } | null)?.blockNumber)
    return at !== undefined && at <= head ? found : { result: null }
  }
  if (method === 'eth_getLogs') {
    const [filter = {}] = params as [Readonly<Record<string, unknown>>?]
    if ('blockHash' in filter) return ask(method, params)
    const from = number(filter['fromBlock'])
    if (from !== undefined && from > head) return { result: [] }
    const to = Math.min(head, number(filter['toBlock']) ?? head)
    return ask(method, [{ ...filter, toBlock: hex(to), ...(from === undefined ? { fromBlock: hex(to) } : {}) }])
  }
  const place = blockAt[method]
  if (place === undefined) return undefined
  const at = number(params[place])
  if (at !== undefined && at <= head) return ask(method, params)
  if (at !== undefined) {
    if (method === 'eth_getBlockByNumber') return { result: null }
    return { error: { code: -32000, message: 'header not found' } }
  }
  if (['safe', 'finalized', 'earliest'].includes(String(params[place]))) return ask(method, params)
  const there = [...params]
  while (there.length < place) there.push(undefined)
  there[place] = hex(head)
  return ask(method, there)
}
