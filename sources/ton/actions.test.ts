import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { type Dex, dexes, tradesOf } from './actions.ts'
import { rawAddress } from './address.ts'
import { type Transaction, transactionOf } from './transaction.ts'

const data = join(process.env['TIDEGATE_DATA'] ?? './data', 'dex/ton-traces')
const recorded = existsSync(data)

interface RecordedMessage {
  direction: 'in' | 'out'
  source: string | null
  destination: string | null
  opcode: number | null
  message_content: unknown
}
interface RecordedTransaction {
  messages: RecordedMessage[]
  mc_block_seqno: number
  aborted: boolean
  [field: string]: unknown
}
interface Trace {
  transactions: RecordedTransaction[]
  interfaces: Record<string, { JettonWallet?: { jetton: string } }>
}
interface Swap {
  type: string
  values: {
    accounts: string[]
    jetton_swap_data: {
      sender: string
      dex_incoming_transfer: { amount: number | string }
      dex_outgoing_transfer: { amount: number | string }
    }
  }
}
interface Cases {
  cases: Record<string, { 'trace-id': string; 'expected-actions': Swap[] }>
}

const traceOf = (id: string): Trace =>
  JSON.parse(
    gunzipSync(
      readFileSync(join(data, 'traces', `${id.replaceAll('/', '_').replaceAll('+', '-')}.json.gz`)),
    ).toString(),
  )
/** As API v3 sends what the indexer's own dump keeps flat. */
const asSent = ({ messages, aborted, ...rest }: RecordedTransaction): Transaction => {
  const transaction = transactionOf({
    ...rest,
    description: { aborted },
    in_msg: messages.find(({ direction }) => direction === 'in'),
    out_msgs: messages.filter(({ direction }) => direction === 'out'),
  })
  if (transaction === undefined) throw new Error('a recorded transaction that cannot be read')
  return transaction
}
const swapsIn = (trace: Trace, dex: Dex) =>
  trace.transactions.flatMap((recorded) => {
    const transaction = asSent(recorded)
    return tradesOf(transaction, { dex, token0: 'native' }).map((trade) => ({ transaction, trade }))
  })

/** The indexer's expectation marks it in its title alone: what came back is what was paid. */
const isRefund = (title: string) => title.endsWith('failed')
const casesOf = (name: string): [string, Cases['cases'][string]][] =>
  Object.entries((JSON.parse(readFileSync(join(data, `expected_${name}.json`), 'utf8')) as Cases).cases)

describe.skipIf(!recorded)('on traces of the main network recorded by TON Center (dex/ton-traces)', () => {
  test.each(recorded ? casesOf('stonfi-swaps') : [])('%s is what its indexer found', (name, expected) => {
    const [action] = expected['expected-actions'].filter(({ type }) => type === 'jetton_swap')
    const { values } = action as Swap
    const found = swapsIn(traceOf(expected['trace-id']), 'stonfi_v1')
    if (isRefund(name)) {
      expect(found).toEqual([])
      return
    }
    expect(found).toHaveLength(1)
    const [{ trade, transaction }] = found as [(typeof found)[number]]
    const { sender, dex_incoming_transfer: paid, dex_outgoing_transfer: got } = values.jetton_swap_data
    const signed = [trade.amount0, trade.amount1].sort((a, b) => (a < b ? -1 : 1))
    expect(signed).toEqual([-BigInt(got.amount), BigInt(paid.amount)])
    expect(trade.trader).toBe(rawAddress(sender))
    // the transaction is the pool's own
    expect(values.accounts.map(rawAddress)).toContain(transaction.account)
  })

  test('the five swaps and the refund are all there is: nothing else in the recorded traces is a swap of any DEX', () => {
    const swaps = casesOf('stonfi-swaps').filter(([title]) => !isRefund(title))
    const all = readdirSync(join(data, 'traces')).flatMap((file) => {
      const trace: Trace = JSON.parse(gunzipSync(readFileSync(join(data, 'traces', file))).toString())
      return dexes.flatMap((dex) => swapsIn(trace, dex).map(() => [dex, file.replace('.json.gz', '')]))
    })
    const wanted = swaps.map(([, c]) => ['stonfi_v1', c?.['trace-id'].replaceAll('/', '_').replaceAll('+', '-')])
    expect(all.sort()).toEqual(wanted.sort())
    expect(all).toHaveLength(5)
  })

  test('every transaction of all 27 traces is read, and the accounts of a trace link by `prev_trans_lt`', () => {
    const files = readdirSync(join(data, 'traces'))
    let count = 0
    let links = 0
    for (const file of files) {
      const trace: Trace = JSON.parse(gunzipSync(readFileSync(join(data, 'traces', file))).toString())
      const newest = new Map<string, number>()
      for (const transaction of trace.transactions.map(asSent).sort((a, b) => a.lt - b.lt)) {
        count++
        const before = newest.get(transaction.account)
        if (before !== undefined) {
          expect(transaction.previous).toBeGreaterThanOrEqual(before)
          if (transaction.previous === before) links++
        }
        newest.set(transaction.account, transaction.lt)
      }
    }
    expect(files).toHaveLength(27)
    expect(count).toBeGreaterThan(250)
    expect(links).toBeGreaterThan(30)
  })
})
