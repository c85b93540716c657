import { type FaultyRpcServer, type Reply, serveRpc } from './faulty_rpc_server.ts'
import { checkAlone, hex, type PooledTransaction, parsed, pooled, Refused } from './geth_pool.ts'
import type { GethProxy } from './geth_proxy.ts'

/** In the words of Flashbots Protect (docs.flashbots.net, status API, 2026-11). */
export type PrivateStatus = 'PENDING' | 'INCLUDED' | 'FAILED' | 'CANCELLED' | 'UNKNOWN'
export interface PrivateRelay extends FaultyRpcServer {
  readonly status: (hash: string) => PrivateStatus
}
interface Held {
  readonly tx: PooledTransaction
  /** The last block that may take it. */
  readonly until: number
  status: Exclude<PrivateStatus, 'UNKNOWN'>
  /** Why the last block did not take it. */
  simulation: string
}
interface Receipt {
  readonly blockNumber: string
}

/**
 * A relay to block builders in front of the same chain, with the rules of Flashbots Protect. What it holds nobody else
 * sees before it is in a block: not by its hash, not in a pending nonce. It tries for so many blocks, and never
 * includes what would revert on top of the pool, or pays no priority fee. A transaction to oneself without data, of the
 * same nonce, cancels, and is in no block itself. Its blocks are those of `proxy.mine`.
 */
export async function startPrivateRelay(
  proxy: GethProxy,
  { blocks = 25 }: { readonly blocks?: number } = {},
): Promise<PrivateRelay> {
  const { anvil, pool } = proxy
  const held = new Map<string, Held>()
  const pending = (): readonly Held[] => [...held.values()].filter(({ status }) => status === 'PENDING')
  const height = async () => Number(await anvil.rpc('eth_blockNumber'))

  const take = async (raw: string, most: number | undefined): Promise<string> => {
    const tx = pooled(raw)
    const { gasLimit } = (await anvil.rpc('eth_getBlockByNumber', 'latest', false)) as { gasLimit: string }
    checkAlone(raw, BigInt(gasLimit), anvil.chain_id)
    const next = Number(await anvil.rpc('eth_getTransactionCount', tx.from, 'latest'))
    if (next > tx.nonce) throw new Refused(`nonce too low: next nonce ${next}, tx nonce ${tx.nonce}`)
    const { to, data } = parsed(raw)
    const rivals = pending().filter((one) => one.tx.from === tx.from && one.tx.nonce === tx.nonce)
    if (to?.toLowerCase() === tx.from && data === '0x' && rivals.length > 0) {
      for (const rival of rivals) rival.status = 'CANCELLED'
      return tx.hash
    }
    const until = (await height()) + blocks
    if (held.get(tx.hash)?.status !== 'PENDING')
      held.set(tx.hash, { tx, until: Math.min(until, most ?? until), status: 'PENDING', simulation: '' })
    return tx.hash
  }
  const cancel = (hash: string): boolean => {
    const found = held.get(hash.toLowerCase())
    if (found?.status !== 'PENDING') return false
    found.status = 'CANCELLED'
    return true
  }

  const include = async (one: Held): Promise<void> => {
    const { tx } = one
    const rival = pool.transactions().find(({ from, nonce }) => from === tx.from && nonce === tx.nonce)
    if (tx.tip === 0n || (rival !== undefined && rival.tip >= tx.tip)) return
    const next = Number(await anvil.rpc('eth_getTransactionCount', tx.from, 'pending'))
    if (rival === undefined && tx.nonce !== next) return
    const { to, data, value, gasLimit } = parsed(tx.raw)
    try {
      const call = { from: tx.from, ...(to === null ? {} : { to }), data, value: hex(value), gas: hex(gasLimit) }
      await anvil.rpc('eth_call', call, 'pending')
      if (rival !== undefined) await pool.withdraw(rival)
      await anvil.rpc('eth_sendRawTransaction', tx.raw)
      one.simulation = ''
    } catch (error) {
      one.simulation = String(error)
    }
  }
  const before = async (): Promise<void> => {
    const height_of_next = (await height()) + 1
    const candidates = pending().filter(({ until }) => height_of_next <= until)
    const taken = new Set<string>()
    for (const one of candidates.toSorted((a, b) => a.tx.nonce - b.tx.nonce || (a.tx.tip < b.tx.tip ? 1 : -1))) {
      const place = `${one.tx.from}/${one.tx.nonce}`
      if (!taken.has(place)) await include(one)
      if (one.simulation === '') taken.add(place)
    }
  }
  const after = async (): Promise<void> => {
    const head = await height()
    for (const one of held.values()) {
      if (one.status === 'CANCELLED') continue
      const receipt = (await anvil.rpc('eth_getTransactionReceipt', one.tx.hash)) as Receipt | null
      if (receipt !== null) one.status = 'INCLUDED'
      else {
        await anvil.rpc('anvil_dropTransaction', one.tx.hash)
        one.status = head < one.until ? 'PENDING' : 'FAILED'
      }
    }
  }
  proxy.builders.push({ before, after, hides: (hash) => held.has(hash) })

  const status = (hash: string): PrivateStatus => held.get(hash.toLowerCase())?.status ?? 'UNKNOWN'
  /** What a transaction does is told once it is in a block only. */
  const page = async (path: string): Promise<unknown> => {
    const [, hash = ''] = /^\/tx\/(0x[0-9a-fA-F]{64})$/.exec(path) ?? []
    if (hash === '') return undefined
    const found = held.get(hash.toLowerCase())
    const { from, to, gasLimit, nonce, value } = found?.status === 'INCLUDED' ? parsed(found.tx.raw) : {}
    return {
      status: status(hash),
      hash,
      maxBlockNumber: found?.until ?? 0,
      transaction: {
        from: from ?? '',
        to: to ?? '',
        gasLimit: String(gasLimit ?? ''),
        nonce: String(nonce ?? ''),
        value: String(value ?? ''),
      },
      fastMode: false,
      seenInMempool: false,
      simError: found?.simulation ?? '',
    }
  }

  const taking = async (raw: unknown, most?: unknown): Promise<Reply> => {
    try {
      return { result: await take(String(raw), typeof most === 'string' ? Number(most) : undefined) }
    } catch (error) {
      if (error instanceof Refused) return { error: error.error }
      throw error
    }
  }
  const server = await serveRpc(
    (method, params) => {
      if (method === 'eth_sendRawTransaction') return proxy.alone(() => taking(params[0]))
      const [asked = {}] = params as [{ tx?: string; txHash?: string; maxBlockNumber?: string }?]
      if (method === 'eth_sendPrivateTransaction') return proxy.alone(() => taking(asked.tx, asked.maxBlockNumber))
      if (method === 'eth_cancelPrivateTransaction')
        return proxy.alone(async () => ({ result: cancel(String(asked.txHash)) }))
      return proxy.answer(method, params)
    },
    { batches: 'refused', page },
  )
  return Object.assign(server, { status })
}
