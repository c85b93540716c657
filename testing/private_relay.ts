import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Transaction } from 'ethers'
import type { Anvil } from './anvil.ts'

/** Of Flashbots Protect (flashbots-docs 272fd13, 2026). */
export type RelayStatus = 'PENDING' | 'INCLUDED' | 'FAILED' | 'CANCELLED' | 'UNKNOWN'
interface Held {
  readonly transaction: Transaction
  readonly since: number
  status: RelayStatus
}
export interface PrivateRelay {
  readonly http: string
  readonly status: (hash: string) => RelayStatus
  /** Makes the next block of the chain, with what it holds and the rules let in. */
  readonly block: () => Promise<void>
  readonly close: () => Promise<void>
}

/** It tries so many blocks, then drops. */
export const relayBlocks = 25

/**
 * A private relay before anvil (without automatic mining), with the rules of Flashbots Protect: what it holds is in no
 * public pool and no pending nonce; what would revert or gives no priority fee is never included; after 25 blocks it is
 * dropped; a transaction to oneself without data, under the same nonce, cancels for free; batches are refused.
 */
export async function startPrivateRelay(anvil: Anvil): Promise<PrivateRelay> {
  const held = new Map<string, Held>()
  const height = async () => Number(await anvil.rpc('eth_blockNumber'))
  const pending = () => [...held.values()].filter(({ status }) => status === 'PENDING')

  async function take(raw: string): Promise<string> {
    const transaction = Transaction.from(raw)
    const { hash, from, to, nonce, data } = transaction
    if (hash === null || held.has(hash)) return hash ?? ''
    for (const other of pending())
      if (other.transaction.from === from && other.transaction.nonce === nonce) other.status = 'CANCELLED'
    const cancels = to === from && data === '0x'
    held.set(hash, { transaction, since: await height(), status: cancels ? 'CANCELLED' : 'PENDING' })
    return hash
  }

  async function isGood({ from, to, data, value, maxPriorityFeePerGas }: Transaction): Promise<boolean> {
    if ((maxPriorityFeePerGas ?? 0n) === 0n) return false
    const call = { from, to, data, value: `0x${value.toString(16)}` }
    return anvil.rpc('eth_call', call, 'latest').then(
      () => true,
      () => false,
    )
  }

  async function block(): Promise<void> {
    const handed: Held[] = []
    for (const one of pending().toSorted((a, b) => a.transaction.nonce - b.transaction.nonce)) {
      const mined = Number(await anvil.rpc('eth_getTransactionCount', one.transaction.from, 'latest'))
      if (one.transaction.nonce !== mined + handed.length || !(await isGood(one.transaction))) continue
      await anvil.rpc('eth_sendRawTransaction', one.transaction.serialized)
      handed.push(one)
    }
    await anvil.rpc('evm_mine')
    for (const one of handed)
      if ((await anvil.rpc('eth_getTransactionReceipt', one.transaction.hash)) !== null) one.status = 'INCLUDED'
    const now = await height()
    for (const one of pending()) if (now - one.since >= relayBlocks) one.status = 'FAILED'
  }

  async function answer(call: unknown): Promise<unknown> {
    const { id = null, method, params = [] } = call as { id?: number; method?: string; params?: string[] }
    const error = (code: number, message: string) => ({ jsonrpc: '2.0', id, error: { code, message } })
    if (Array.isArray(call)) return error(-32600, 'batches are not supported')
    const result = (value: unknown) => ({ jsonrpc: '2.0', id, result: value })
    if (method === 'eth_chainId') return result(`0x${anvil.chain_id.toString(16)}`)
    if (method === 'eth_sendRawTransaction') return result(await take(params[0] ?? ''))
    return error(-32601, 'the method does not exist')
  }

  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      void answer(JSON.parse(Buffer.concat(chunks).toString())).then((said) => response.end(JSON.stringify(said)))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    http: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    status: (hash) => held.get(hash)?.status ?? 'UNKNOWN',
    block,
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}
