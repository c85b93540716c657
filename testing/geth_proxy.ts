import { setTimeout } from 'node:timers/promises'
import type { Anvil } from './anvil.ts'
import { type FaultyRpcServer, type Reply, serveRpc } from './faulty_rpc_server.ts'
import { GethPool, hex, type PooledTransaction, parsed, pooled, Refused } from './geth_pool.ts'
import type { NodeFault } from './rpc_faults.ts'
import { staleRead } from './stale_reads.ts'

/** Puts transactions of its own into the blocks that `mine` makes. */
export interface Builder {
  /** Before a block: hands anvil what is to be in it. */
  readonly before: () => Promise<void>
  /** After a block, or a reorg. */
  readonly after: () => Promise<void>
  /** Whether a transaction of it may not be seen by others: it does not return to the public mempool either. */
  readonly hides: (hash: string) => boolean
}
export interface GethProxy extends FaultyRpcServer {
  readonly anvil: Anvil
  readonly pool: GethPool
  readonly builders: Builder[]
  /** Runs while no question of a client does. */
  readonly alone: <T>(work: () => Promise<T>) => Promise<T>
  /** Answers past all faults. */
  readonly answer: (method: string, params: readonly unknown[]) => Promise<Reply>
  /** Has the pool look at the chain again: what the base fee allows now goes to anvil. */
  readonly settle: () => Promise<void>
  /**
   * Makes blocks of what is in the pool, and of what builders add, as `evm_mine` of a client does. Wants automatic
   * mining off.
   */
  readonly mine: (blocks?: number) => Promise<void>
  /** Makes a block, waits so many milliseconds, and so on, until what it gives is called. */
  readonly keepMining: (every: number) => () => Promise<void>
  /**
   * Replaces the newest blocks by as many empty ones. What they held returns to the pool, and into the next blocks,
   * or is dropped by all (`returns: false`) until somebody sends it again. Gives the hashes thrown out.
   */
  readonly reorg: (depth: number, how?: { readonly returns?: boolean }) => Promise<readonly string[]>
}
interface Block {
  readonly transactions: readonly { readonly hash: string; readonly from: string }[]
}

/** Anvil behind a proxy that keeps a mempool as Geth does, in its words, and fails as it is told. */
export async function startGethProxy(anvil: Anvil): Promise<GethProxy> {
  const pool = new GethPool(anvil.rpc, anvil.chain_id)
  const builders: Builder[] = []
  let last: Promise<unknown> = Promise.resolve()
  const alone = <T>(work: () => Promise<T>): Promise<T> => {
    const next = last.then(work)
    last = next.catch(() => {})
    return next
  }

  const ask = async (method: string, params: readonly unknown[]): Promise<Reply> => {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(anvil.http, { method: 'POST', headers, body })
    const { result, error } = (await response.json()) as { result?: unknown; error?: { code: number; message: string } }
    return error === undefined ? { result } : { error }
  }
  const pendingOf = (tx: PooledTransaction): unknown => {
    const whole = parsed(tx.raw)
    const price = { gasPrice: hex(tx.fee), maxFeePerGas: hex(tx.fee), maxPriorityFeePerGas: hex(tx.tip) }
    return {
      type: hex(whole.type ?? 0),
      chainId: hex(whole.chainId),
      hash: tx.hash,
      from: tx.from,
      to: whole.to?.toLowerCase() ?? null,
      nonce: hex(tx.nonce),
      gas: hex(whole.gasLimit),
      value: hex(whole.value),
      input: whole.data,
      ...price,
      r: whole.signature?.r,
      s: whole.signature?.s,
      v: hex(whole.signature?.yParity ?? 0),
      yParity: hex(whole.signature?.yParity ?? 0),
      blockHash: null,
      blockNumber: null,
      transactionIndex: null,
    }
  }
  const send = async (raw: unknown): Promise<Reply> => {
    try {
      return { result: await pool.add(String(raw)) }
    } catch (error) {
      if (error instanceof Refused) return { error: error.error }
      throw error
    }
  }
  const answer = async (method: string, params: readonly unknown[]): Promise<Reply> => {
    await pool.settle()
    const [first] = params
    if (method === 'eth_sendRawTransaction') return send(first)
    if (method === 'eth_getTransactionCount' && params[1] === 'pending')
      return { result: hex(await pool.pendingCount(String(first))) }
    const reply = await ask(method, params)
    if (method !== 'eth_getTransactionByHash' || 'error' in reply || reply.result !== null) return reply
    const held = pool.find(String(first))
    return held === undefined ? reply : { result: pendingOf(held) }
  }
  const wrong = async (by: number, params: readonly unknown[]): Promise<Reply> => {
    const reply = await answer('eth_getTransactionCount', params)
    return 'error' in reply ? reply : { result: hex(Math.max(0, Number(reply.result) + by)) }
  }
  const answerTo = (method: string, params: readonly unknown[], fault: NodeFault | undefined): Promise<Reply> =>
    alone(async () => {
      if (method === 'evm_mine') return { result: await mineOne() }
      if (fault?.type === 'wrong_nonce' && method === 'eth_getTransactionCount') return wrong(fault.by, params)
      const stale = fault?.type === 'stale' ? await staleRead(ask, fault.blocks, method, params) : undefined
      return stale ?? answer(method, params)
    })

  const blockAt = async (height: number): Promise<Block> =>
    (await anvil.rpc('eth_getBlockByNumber', hex(height), true)) as Block
  const mineOne = async (): Promise<unknown> => {
    await pool.settle({ anew: true })
    for (const builder of builders) await builder.before()
    const mined = await anvil.rpc('evm_mine')
    for (const builder of builders) await builder.after()
    await pool.settle({ anew: true })
    return mined
  }
  const reorg = async (depth: number, returns: boolean): Promise<readonly string[]> => {
    const head = Number(await anvil.rpc('eth_blockNumber'))
    const out: string[] = []
    const back: string[] = []
    for (let height = head - depth + 1; height <= head; height++)
      for (const { hash, from } of (await blockAt(height)).transactions) {
        out.push(hash)
        if (builders.some((builder) => builder.hides(hash))) continue
        const raw = String(await anvil.rpc('eth_getRawTransactionByHash', hash))
        // What an impersonated account sent carries no signature of it, and cannot be sent again.
        if (pooled(raw).from === from) back.push(raw)
      }
    await anvil.rpc('anvil_reorg', depth, [])
    if (returns) await pool.takeBack(back)
    for (const builder of builders) await builder.after()
    return out
  }

  const server = await serveRpc(answerTo, { batches: 'answered' })
  return Object.assign(server, {
    anvil,
    pool,
    builders,
    alone,
    answer: (method: string, params: readonly unknown[]) => alone(() => answer(method, params)),
    settle: () => alone(() => pool.settle({ anew: true })),
    mine: async (blocks = 1) => {
      for (let block = 0; block < blocks; block++) await alone(mineOne)
    },
    keepMining: (every: number) => {
      const stop = new AbortController()
      const loop = async (): Promise<void> => {
        while (!stop.signal.aborted) {
          await alone(mineOne)
          await setTimeout(every)
        }
      }
      const ended = loop()
      return () => {
        stop.abort()
        return ended
      }
    },
    reorg: (depth: number, { returns = true }: { readonly returns?: boolean } = {}) =>
      alone(() => reorg(depth, returns)),
  })
}
