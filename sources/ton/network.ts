import type { Observable } from 'rxjs'
import { z } from 'zod'
import { defineSource, type SourceContext, type SourceItem } from '../../runtime/define.ts'
import { TonNetwork } from '../../schemas/ton.ts'
import { type Polled, poll, Unreadable } from '../feed/poll.ts'
import type { Rest } from '../feed/rest.ts'
import { parseBag, Slice } from './cell.ts'
import { apiKey, positive, rate } from './pool_params.ts'
import { keyHeaders, toncenter } from './toncenter.ts'
import { isFields } from './transaction.ts'

const params = z.strictObject({
  every: positive('duration').default(10e6).describe('time between two looks'),
  config_every: positive('duration').default(3600e6).describe('time between two looks at the gas prices'),
  api_key: apiKey,
  requests_per_second: rate(1),
  stale_after: positive('duration').default(60e6).describe('time without a new block after which a gap is told'),
})
type Given = z.output<typeof params>
const KEY = 'ton:network'
/** A masterchain block takes in one block of each shard, seldom more. */
const BLOCKS = 1000

interface Head {
  readonly number: number
  /** µs. */
  readonly at: number
}
/** @throws Unreadable */
export function headOf(answer: unknown): Head {
  const last = isFields(answer) ? answer['last'] : undefined
  if (!isFields(last) || !Number.isSafeInteger(last['seqno'])) throw new Unreadable('masterchain_fields', answer)
  const seconds = Number(last['gen_utime'])
  if (!Number.isSafeInteger(seconds) || seconds <= 0) throw new Unreadable('masterchain_fields', answer)
  return { number: last['seqno'] as number, at: seconds * 1e6 }
}
/**
 * `GET /api/v3/blocks?mc_seqno=`: the masterchain block and those it took in.
 * @throws Unreadable
 */
export function countsOf(answer: unknown): { readonly transactions: number; readonly blocks: number } {
  const blocks = isFields(answer) ? answer['blocks'] : undefined
  if (!Array.isArray(blocks)) throw new Unreadable('blocks_fields', answer)
  let transactions = 0
  let others = 0
  for (const block of blocks as unknown[]) {
    if (!isFields(block) || !Number.isSafeInteger(block['tx_count'])) throw new Unreadable('block_fields', block)
    transactions += block['tx_count'] as number
    if (block['workchain'] !== -1) others++
  }
  return { transactions, blocks: others }
}
/**
 * `GET /api/v2/getConfigParam`: `GasLimitsPrices` (block.tlb), whose gas price counts nanotons times 2^16.
 * @throws Unreadable
 */
export function gasPriceOf(answer: unknown): number {
  const result = isFields(answer) ? answer['result'] : undefined
  const config = isFields(result) ? result['config'] : undefined
  const bytes = isFields(config) ? config['bytes'] : undefined
  if (typeof bytes !== 'string') throw new Unreadable('config_fields', answer)
  try {
    const prices = new Slice(parseBag(bytes))
    let tag = prices.number(8)
    // a flat price for little gas may stand before the others
    if (tag === 0xd1) {
      prices.uint(128)
      tag = prices.number(8)
    }
    if (tag !== 0xdd && tag !== 0xde) throw new RangeError('no gas prices')
    return Number(prices.uint(64)) / 65_536
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new Unreadable('config_body', answer)
  }
}

export function openNetwork(given: Given, context: SourceContext): Observable<readonly SourceItem[]> {
  let gas: { readonly base: number; readonly master: number; readonly at: number } | undefined
  let before: Head | undefined
  const ask = async (rest: Rest): Promise<Polled> => {
    if (gas === undefined || context.clock.now() - gas.at >= given.config_every) {
      const base = gasPriceOf(await rest.get('/api/v2/getConfigParam', { config_id: 21 }))
      const master = gasPriceOf(await rest.get('/api/v2/getConfigParam', { config_id: 20 }))
      gas = { base, master, at: context.clock.now() }
    }
    const head = headOf(await rest.get('/api/v3/masterchainInfo'))
    const mark = String(head.number)
    if (before !== undefined && head.number <= before.number) return { rows: [], continuous: true, mark }
    const counts = countsOf(await rest.get('/api/v3/blocks', { mc_seqno: head.number, limit: BLOCKS }))
    const seconds = before === undefined ? 0 : (head.at - before.at) / 1e6
    const rate = before !== undefined && seconds > 0 ? (head.number - before.number) / seconds : 0
    const value: TonNetwork = {
      ...{ block: head.number, ...counts, block_rate: rate, transaction_rate: counts.transactions * rate },
      ...{ gas_price: gas.base, masterchain_gas_price: gas.master },
    }
    before = head
    return { rows: [{ at: head.at, key: KEY, value }], continuous: true, mark }
  }
  const settings = { name: 'ton_network', base: toncenter, headers: keyHeaders(given.api_key, context) }
  const question = { name: 'the masterchain', keys: [KEY], every: given.every, ask }
  const rates = { rate: given.requests_per_second, staleAfter: given.stale_after }
  return poll([{ ...settings, ...rates, questions: [question] }], context)
}

/** How busy the chain is. */
export const tonNetwork = defineSource({
  name: 'ton_network',
  version: 1,
  summary: 'Blocks, transactions and gas prices of TON, from APIs v2 and v3 of TON Center.',
  notes:
    'One instrument, `ton:network`. A look is two questions: the newest masterchain block (`/api/v3/masterchainInfo`) and the blocks it took in (`/api/v3/blocks?mc_seqno=`); every `config_every` the gas prices are read from configuration 20 and 21 (`/api/v2/getConfigParam`). A row is told where there is a newer block; the blocks between two looks are counted in the rate and not told. Event time is that of the masterchain block, in whole seconds. Gaps: the first look, and no new block for `stale_after`. Duplicates, heartbeats: none. Delivery: one block a look. Back pressure: none; without a key TON Center allows one question a second.',
  output: TonNetwork,
  params,
  open: openNetwork,
  example: { params: {} },
})
