import { type AccessList, keccak256, Transaction } from 'ethers'
import type { Rpc } from './anvil.ts'
import type { RpcError } from './faulty_rpc_server.ts'

export interface PooledTransaction {
  readonly raw: string
  readonly hash: string
  /** Lower case. */
  readonly from: string
  readonly nonce: number
  readonly fee: bigint
  readonly tip: bigint
  readonly cost: bigint
}
/** What a node says instead of a hash. */
export class Refused extends Error {
  readonly error: RpcError
  constructor(message: string, code = -32000) {
    super(message)
    this.error = { code, message }
  }
}
export const hex = (value: number | bigint): string => `0x${value.toString(16)}`

/** @throws Refused where the bytes are no transaction, or are not signed */
export function parsed(raw: string) {
  try {
    const tx = Transaction.from(raw)
    if (tx.isSigned()) return tx
  } catch {
    // Said below.
  }
  throw new Refused('rlp: expected input list for types.LegacyTx')
}
/** @throws Refused, see `parsed` */
export function pooled(raw: string): PooledTransaction {
  const tx = parsed(raw)
  const hash = keccak256(raw)
  const fee = tx.maxFeePerGas ?? tx.gasPrice ?? 0n
  const tip = tx.maxPriorityFeePerGas ?? tx.gasPrice ?? 0n
  const cost = tx.gasLimit * fee + tx.value
  return { raw: raw.toLowerCase(), hash, from: tx.from.toLowerCase(), nonce: tx.nonce, fee, tip, cost }
}

/** EIP-2028, EIP-2930 and EIP-3860. */
function intrinsicGas(data: string, create: boolean, access: AccessList | null): bigint {
  const bytes = Buffer.from(data.slice(2), 'hex')
  let gas = create ? 53_000 + 2 * Math.ceil(bytes.length / 32) : 21_000
  for (const byte of bytes) gas += byte === 0 ? 4 : 16
  for (const { storageKeys } of access ?? []) gas += 2400 + 1900 * storageKeys.length
  return BigInt(gas)
}
/** What needs no state, in the order and the words of go-ethereum core/txpool/validation.go, 023565d. */
export function checkAlone(raw: string, gas_limit: bigint, chain_id: number): void {
  const tx = parsed(raw)
  if (tx.chainId !== 0n && tx.chainId !== BigInt(chain_id))
    throw new Refused(`invalid sender: invalid chain id for signer: have ${tx.chainId} want ${chain_id}`)
  if (tx.gasLimit > gas_limit) throw new Refused('exceeds block gas limit')
  const need = intrinsicGas(tx.data, tx.to === null, tx.accessList)
  if (tx.gasLimit < need) throw new Refused(`intrinsic gas too low: gas ${tx.gasLimit}, minimum needed ${need}`)
}
/** The default of `--txpool.pricelimit`. */
function checkTip({ tip }: PooledTransaction): void {
  if (tip < 1n) throw new Refused(`transaction gas price below minimum: gas tip cap ${tip}, minimum needed 1`)
}
/** What depends on the state of the sender, in the order and the words of the same file. */
export function checkFunds(tx: PooledTransaction, balance: bigint, others: bigint): void {
  const funds = `insufficient funds for gas * price + value: balance ${balance}`
  if (balance < tx.cost) throw new Refused(`${funds}, tx cost ${tx.cost}, overshot ${tx.cost - balance}`)
  const need = others + tx.cost
  if (balance < need)
    throw new Refused(`${funds}, queued cost ${others}, tx cost ${tx.cost}, overshot ${need - balance}`)
}
/** 10 % on both fields, and more than before on both (`list.Add` of core/txpool/legacypool, 02b73d4). */
export function checkBump(tx: PooledTransaction, old: PooledTransaction): void {
  const bumped = (now: bigint, before: bigint) => now > before && now >= (before * 110n) / 100n
  if (!bumped(tx.fee, old.fee) || !bumped(tx.tip, old.tip)) throw new Refused('replacement transaction underpriced')
}

/** Whether anvil holds it back where Geth would keep it: it comes again when the base fee is lower. */
const waits = /max fee per gas less than block base fee|already imported|replacement transaction underpriced/

/**
 * The mempool of Geth, in front of anvil: it keeps every transaction that a block could still take, and hands anvil
 * again what anvil forgot (anvil drops what a block's base fee priced out, and all of a reorg). What a client may do
 * to it is one thing at a time: see `GethProxy`.
 */
export class GethPool {
  /** By sender, then nonce. */
  private readonly senders = new Map<string, Map<number, PooledTransaction>>()
  private readonly rpc: Rpc
  private readonly chain_id: number
  private settled = ''
  /** What anvil said of a transaction it does not take, newest last. */
  readonly refusals: string[] = []

  constructor(rpc: Rpc, chain_id: number) {
    this.rpc = rpc
    this.chain_id = chain_id
  }

  transactions(): readonly PooledTransaction[] {
    return [...this.senders.values()].flatMap((of) => [...of.values()].toSorted((a, b) => a.nonce - b.nonce))
  }
  find(hash: string): PooledTransaction | undefined {
    return this.transactions().find((tx) => tx.hash === hash.toLowerCase())
  }
  /** Forgets all, as a test must when it takes the chain back to a snapshot. */
  async clear(): Promise<void> {
    this.senders.clear()
    this.settled = ''
    await this.rpc('anvil_dropAllTransactions')
  }
  /** Takes it out, as where a node drops it for another. Whether it was there. */
  async evict(hash: string): Promise<boolean> {
    const tx = this.find(hash)
    if (tx === undefined) return false
    this.senders.get(tx.from)?.delete(tx.nonce)
    await this.withdraw(tx)
    return true
  }
  /** Takes it from anvil, not from here. */
  async withdraw(tx: PooledTransaction): Promise<void> {
    await this.rpc('anvil_dropTransaction', tx.hash)
    const left = (await this.rpc('eth_getTransactionByHash', tx.hash)) as { blockNumber: unknown } | null
    if (left === null || left.blockNumber !== null) return
    // `anvil_dropTransaction` passes by those that wait for an earlier nonce (anvil 1.7.1).
    await this.rpc('anvil_removePoolTransactions', tx.from)
    for (const other of this.senders.get(tx.from)?.values() ?? []) if (other.hash !== tx.hash) await this.hand(other)
  }

  /** What `eth_getTransactionCount` says with `pending`: our transactions that follow on each other count. */
  async pendingCount(address: string): Promise<number> {
    const of = this.senders.get(address.toLowerCase())
    let nonce = Number(await this.rpc('eth_getTransactionCount', address, 'pending'))
    while (of?.has(nonce)) nonce++
    return nonce
  }

  /** Takes one from a client, and gives its hash. @throws Refused */
  async add(raw: string): Promise<string> {
    const tx = pooled(raw)
    const old = this.senders.get(tx.from)?.get(tx.nonce)
    if (old?.hash === tx.hash) throw new Refused('already known')
    const { gasLimit } = (await this.rpc('eth_getBlockByNumber', 'latest', false)) as { gasLimit: string }
    checkAlone(raw, BigInt(gasLimit), this.chain_id)
    checkTip(tx)
    const next = Number(await this.rpc('eth_getTransactionCount', tx.from, 'latest'))
    if (next > tx.nonce) throw new Refused(`nonce too low: next nonce ${next}, tx nonce ${tx.nonce}`)
    const others = [...(this.senders.get(tx.from)?.values() ?? [])].filter(({ nonce }) => nonce !== tx.nonce)
    const spent = others.reduce((sum, { cost }) => sum + cost, 0n)
    checkFunds(tx, BigInt(String(await this.rpc('eth_getBalance', tx.from, 'latest'))), spent)
    if (old !== undefined) {
      checkBump(tx, old)
      await this.withdraw(old)
    }
    this.keep(tx)
    const refusal = await this.hand(tx)
    if (refusal === undefined) return tx.hash
    this.senders.get(tx.from)?.delete(tx.nonce)
    if (old !== undefined) {
      this.keep(old)
      await this.hand(old)
    }
    throw new Refused(refusal)
  }
  private keep(tx: PooledTransaction): void {
    const of = this.senders.get(tx.from) ?? new Map<number, PooledTransaction>()
    of.set(tx.nonce, tx)
    this.senders.set(tx.from, of)
  }
  /** Gives it to anvil, and says why anvil will never take it. */
  private async hand(tx: PooledTransaction): Promise<string | undefined> {
    try {
      await this.rpc('eth_sendRawTransaction', tx.raw)
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error)
      if (waits.test(text)) return undefined
      this.refusals.push(`${tx.hash} ${text}`)
      return text.replace(/^eth_sendRawTransaction: -?\d+ /, '')
    }
    return undefined
  }

  /** Forgets what blocks took or overtook, and hands anvil what it lacks. Without `anew`, once for each head. */
  async settle({ anew = false }: { readonly anew?: boolean } = {}): Promise<void> {
    const { hash } = (await this.rpc('eth_getBlockByNumber', 'latest', false)) as { hash: string }
    if (hash === this.settled && !anew) return
    for (const [sender, of] of this.senders) {
      const next = Number(await this.rpc('eth_getTransactionCount', sender, 'latest'))
      for (const nonce of [...of.keys()]) if (nonce < next) of.delete(nonce)
      if (of.size === 0) this.senders.delete(sender)
    }
    for (const tx of this.transactions())
      if ((await this.rpc('eth_getTransactionByHash', tx.hash)) === null) await this.hand(tx)
    this.settled = hash
  }
  /** Takes back what a reorg threw out, in the order of its blocks; a transaction that took the place since stays. */
  async takeBack(raws: readonly string[]): Promise<void> {
    for (const raw of raws) {
      const tx = pooled(raw)
      if (this.senders.get(tx.from)?.has(tx.nonce) !== true) this.keep(tx)
    }
    await this.settle({ anew: true })
  }
}
