import { z } from 'zod'
import { RpcFailure } from '../../runtime/define.ts'
import type { Found, Sight } from '../execution/decide.ts'
import type { EventOf } from '../execution/entry.ts'
import type { Ending, Order } from '../execution/order.ts'
import { Address, Bytes, type Hex, LoggedEvent, Quantity, toQuantity } from './hex.ts'
import type { Answer, Nodes } from './nodes.ts'
import type { Log, Moved, Reader } from './venues/venue.ts'
import { Reverted } from './venues/venue.ts'

const number = Quantity.transform(Number)
const Block = z.object({ number, hash: Bytes, timestamp: number, baseFeePerGas: Quantity.default(0n) })
const Receipt = z.object({
  blockNumber: number,
  blockHash: Bytes,
  status: Quantity,
  gasUsed: Quantity,
  effectiveGasPrice: Quantity,
  // chains of the OP stack
  l1Fee: Quantity.nullish(),
  logs: z.array(LoggedEvent),
})
const Linked = z.object({ hash: Bytes, parentHash: Bytes })
const Transaction = z.object({ hash: Bytes, from: Address, nonce: number })
const FeeHistory = z.object({
  baseFeePerGas: z.array(Quantity).min(1),
  reward: z.array(z.array(Quantity)).optional(),
})
/** @throws RpcFailure for what is no answer to the question */
function read<T>(schema: z.ZodType<T>, answer: unknown, method: string): T {
  const parsed = schema.safeParse(answer)
  if (parsed.success) return parsed.data
  throw new RpcFailure('malformed', `${method}: ${parsed.error.issues[0]?.message ?? 'no such answer'}`)
}
const blockOf = (at: number | 'latest' | 'pending'): string =>
  typeof at === 'number' ? toQuantity(Math.max(0, at)) : at

export interface Head {
  readonly number: number
  readonly hash: Hex
  readonly at: number
  readonly base_fee: bigint
}
/** What really moved in a transaction of an order; undefined where that cannot be told here. */
export type Measures = (order: Order, logs: readonly Log[]) => Moved | undefined

/** One signer's view of a chain. */
export class Chain implements Reader {
  private readonly nodes: Nodes
  readonly signer: Address
  constructor(nodes: Nodes, signer: Address) {
    this.nodes = nodes
    this.signer = signer
  }

  /** @throws Reverted, RpcFailure */
  private async ask<T>(schema: z.ZodType<T>, method: string, params: readonly unknown[], from?: string): Promise<T> {
    const { nodes } = this
    const answer = await (from === undefined ? nodes.read(method, params) : nodes.readFrom(from, method, params))
    return read(schema, resultOf(answer), method)
  }

  async head(from?: string): Promise<Head> {
    const block = await this.ask(Block, 'eth_getBlockByNumber', ['latest', false], from)
    const { number: height, hash, timestamp, baseFeePerGas } = block
    return { number: height, hash, at: timestamp * 1e6, base_fee: baseFeePerGas }
  }

  /**
   * Whether a transaction is no longer in a block; undefined where a node has no block of that height. Machines behind one
   * name may be on different branches, and answer one question each: two of them must say so.
   */
  async isGone({ transaction, block, block_hash }: Ending): Promise<boolean | undefined> {
    const from = this.nodes.pick()
    const there = await this.ask(Linked.nullable(), 'eth_getBlockByNumber', [toQuantity(block), false], from)
    if (there === null || there.hash === block_hash) return there === null ? undefined : false
    const receipt = await this.ask(Receipt.nullable(), 'eth_getTransactionReceipt', [transaction], from)
    return receipt?.blockHash !== block_hash
  }

  /** Transactions of the signer in the chain up to a block, or those waiting to enter it too. */
  async count(at: number | 'latest' | 'pending', from?: string): Promise<number> {
    return this.ask(number, 'eth_getTransactionCount', [this.signer, blockOf(at)], from)
  }

  /** Base fee of the next block, and what the blocks before gave to their producers. */
  async feeHistory(blocks: number, percentile: number): Promise<{ base_fee: bigint; tips: readonly bigint[] }> {
    const params = [toQuantity(blocks), 'latest', [percentile]]
    const { baseFeePerGas, reward } = await this.ask(FeeHistory, 'eth_feeHistory', params)
    const tips = (reward ?? []).flatMap((of) => of.slice(0, 1)).filter((tip) => tip > 0n)
    return { base_fee: baseFeePerGas.at(-1) as bigint, tips }
  }

  async coinBalance(at: number | 'latest' = 'latest', endpoint?: string): Promise<bigint> {
    return this.ask(Quantity, 'eth_getBalance', [this.signer, blockOf(at)], endpoint)
  }

  /** What the signer has of a token. @throws Reverted, RpcFailure */
  async balanceOf(token: Address, at: number | 'latest' = 'latest', endpoint?: string): Promise<bigint> {
    const data = `0x70a08231${this.signer.slice(2).padStart(64, '0')}` as const
    const call = { from: this.signer, to: token, data }
    return BigInt(await this.ask(Bytes, 'eth_call', [call, blockOf(at)], endpoint))
  }

  /** @throws Reverted, RpcFailure */
  async call(to: Address, data: Hex, from: Address = this.signer): Promise<Hex> {
    return this.ask(Bytes, 'eth_call', [{ from, to, data }, 'latest'])
  }

  async codeAt(address: Address): Promise<Hex> {
    return this.ask(Bytes, 'eth_getCode', [address, 'latest'])
  }

  /** What one node says of orders under way, all of one moment. @throws RpcFailure */
  async look(orders: readonly Order[], confirmations: number, measures: Measures): Promise<Looks> {
    const from = this.nodes.pick()
    // first the head and the counts: what is in the chain later than that is found all the same
    const head = await this.head(from)
    const [taken, taken_for_good] = await Promise.all([
      this.count('latest', from),
      this.count(head.number - confirmations, from),
    ])
    const time = { head: head.number, head_at: head.at, base_fee: head.base_fee, taken, taken_for_good }
    const sights = new Map<string, Sight>()
    const stands = this.standing(head.number, confirmations, from)
    const looked = orders.map(async (order) => {
      const attempts = await this.findAll(order, { taken, head }, from, measures)
      for (const found of attempts)
        if (found.is === 'included' && found.event.block_hash === order.inclusion?.block_hash) await stands(found.event)
      sights.set(order.intent.id, { ...time, attempts })
    })
    // an order that nothing was heard of is looked at again with the next head
    const unheard = new Map<string, string>()
    for (const [n, { status, reason }] of ((await Promise.allSettled(looked)) as PromiseRejectedResult[]).entries()) {
      if (status !== 'rejected') continue
      if (!(reason instanceof RpcFailure)) throw reason
      unheard.set((orders[n] as Order).intent.id, reason.message)
    }
    return { head, taken, sights, unheard }
  }

  /**
   * Whether as many blocks stand on a block as make it final, by the hashes that link them: machines behind one name may
   * be on different branches, and answer one question each. @throws RpcFailure where they do not stand on it
   */
  private standing(head: number, confirmations: number, from: string) {
    const deep = Math.min(confirmations, LINKS)
    const walk = async (block: number): Promise<Hex> => {
      const top = await this.ask(Linked, 'eth_getBlockByNumber', [toQuantity(block + deep), false], from)
      let [hash, parent] = [top.hash, top.parentHash]
      for (let height = block + deep; height > block; height--) {
        hash = parent
        if (height - 1 > block) parent = (await this.ask(Linked, 'eth_getBlockByHash', [hash, false], from)).parentHash
      }
      return hash
    }
    const walks = new Map<number, Promise<Hex>>()
    return async ({ block, block_hash }: EventOf<'included'>): Promise<void> => {
      if (head - block < confirmations) return
      const walked = walks.get(block) ?? walk(block)
      walks.set(block, walked)
      if ((await walked) !== block_hash)
        throw new RpcFailure('malformed', `the blocks on ${block} do not stand on the one that holds a transaction`)
    }
  }

  /** What has a nonce that is not taken is in no block: then it is only asked whether a node has the newest attempt. */
  private findAll(
    order: Order,
    { taken, head }: Pick<Looks, 'taken' | 'head'>,
    from: string,
    measures: Measures,
  ): Promise<readonly Found[]> {
    const { attempts, inclusion } = order
    const asked = inclusion !== undefined || (attempts[0]?.nonce ?? 0) < taken
    const newest = attempts.length - 1
    return Promise.all(
      attempts.map(async ({ hash }, i): Promise<Found> => {
        if (!asked && i !== newest) return { is: 'absent' }
        const found = await this.find(order, hash as Hex, i + 1, from, asked ? measures : undefined)
        if (found.is === 'included' && found.event.block > head.number + AHEAD)
          throw new RpcFailure('malformed', 'eth_getTransactionReceipt: a block that is not there yet')
        return found
      }),
    )
  }

  private async find(order: Order, hash: Hex, attempt: number, from: string, measures?: Measures): Promise<Found> {
    const receipt = measures && (await this.ask(Receipt.nullable(), 'eth_getTransactionReceipt', [hash], from))
    if (measures !== undefined && receipt != null) {
      const { logs, ...of } = receipt
      const moved = measures(order, logs) ?? believed(order, of.blockHash)
      if (moved === undefined) return { is: 'elsewhere', block: of.blockNumber }
      const event = includedOf(attempt, of, moved)
      const trades = order.intent.purpose === 'trade' && order.attempts[attempt - 1]?.purpose === 'act'
      // what a receipt tells first is kept for ever: one without its logs would be a trade that nobody hears of
      if (trades && event.status === 'ok' && event.paid === '0' && event.got === '0')
        throw new RpcFailure('malformed', 'eth_getTransactionReceipt: the trade went well and moved nothing')
      return { is: 'included', event }
    }
    const transaction = await this.ask(z.unknown(), 'eth_getTransactionByHash', [hash], from)
    return { is: transaction === null ? 'absent' : 'pending' }
  }

  /**
   * The transaction of the signer with a nonce, found in its block: proof of what took it. Undefined where the chain up to
   * `to` holds none after all.
   */
  async holderOf(nonce: number, to: number): Promise<Holder | undefined> {
    const from = this.nodes.pick()
    if ((await this.count(to, from)) <= nonce) return undefined
    let [low, high] = [0, to]
    // near blocks first: few nodes know the state of old ones
    for (let back = 1; back < to; back *= 2) {
      if ((await this.count(to - back, from)) <= nonce) {
        low = to - back + 1
        break
      }
      high = to - back
    }
    while (low < high) {
      const middle = (low + high) >> 1
      if ((await this.count(middle, from)) > nonce) high = middle
      else low = middle + 1
    }
    const block = z.object({ hash: Bytes, transactions: z.array(Transaction) })
    const { hash: block_hash, transactions } = await this.ask(
      block,
      'eth_getBlockByNumber',
      [toQuantity(low), true],
      from,
    )
    const holder = transactions.find((t) => t.from === this.signer && t.nonce === nonce)
    return holder && { transaction: holder.hash, block: low, block_hash }
  }
}

/** Blocks on top of one that are followed back to it: no two machines of one node differ by more. */
const LINKS = 32
/** Blocks that may come between two questions. */
const AHEAD = 64

export interface Holder extends Ending {
  readonly transaction: Hex
}
export interface Looks {
  readonly head: Head
  readonly taken: number
  readonly sights: ReadonlyMap<string, Sight>
  /** Why nothing is known of an order. */
  readonly unheard: ReadonlyMap<string, string>
}
/** What the journal says of the block a transaction is in: whoever wrote it could measure it. */
const believed = ({ inclusion }: Order, hash: Hex): Moved | undefined =>
  inclusion?.block_hash === hash ? { paid: BigInt(inclusion.paid), got: BigInt(inclusion.got) } : undefined
const includedOf = (
  attempt: number,
  { blockNumber, blockHash, status, gasUsed, effectiveGasPrice, l1Fee }: Omit<z.output<typeof Receipt>, 'logs'>,
  { paid, got }: Moved,
): EventOf<'included'> => ({
  type: 'included',
  attempt,
  block: blockNumber,
  block_hash: blockHash,
  status: status === 1n ? 'ok' : 'failed',
  gas: gasUsed.toString(),
  gas_price: effectiveGasPrice.toString(),
  ...(l1Fee ? { data_fee: l1Fee.toString() } : {}),
  paid: paid.toString(),
  got: got.toString(),
})

/** @throws Reverted */
export function resultOf(answer: Answer): unknown {
  if (answer.type === 'result') return answer.result
  const data = Bytes.safeParse(answer.data)
  throw new Reverted(answer.message, data.success ? data.data : '0x')
}
