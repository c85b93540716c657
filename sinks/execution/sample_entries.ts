import type { Entry, EventOf, Intent } from './entry.ts'
import type { JournalOf } from './journal.ts'

/** Whose journal the tests keep. */
export const sample_journal: JournalOf = { chain: 'eip155:31337', signer: '0x00000000000000000000000000000000000000aa' }

export const intentOf = (id: string, more: Partial<Intent> = {}): Intent => ({
  ...{ id, purpose: 'trade', run: 'run', pipeline: 'pipeline', node: 'node', key: 'WETH-USDC' },
  ...{ at: 1_700_000_000e6, ordinal: 0, commit: 1, order: 0, side: 'buy', quantity: '100000000' },
  ...{ exact: 'in', amount: '3000000000', bound: '990000000000000000', received: 1_700_000_000e6 },
  expires: 1_700_000_060e6,
  ...more,
})
export const receivedOf = (id: string, more: Partial<Intent> = {}): EventOf<'received'> => ({
  type: 'received',
  intent: intentOf(id, more),
})
export const planned: EventOf<'planned'> = {
  ...{ type: 'planned', to: '0x01', data: '0x', value: '0', deadline: 0, quoted: '1000000000000000000' },
}
export const simulated: EventOf<'simulated'> = { type: 'simulated', gas: '150000' }
export const signedOf = (nonce: number, attempt = 1, more: Partial<EventOf<'signed'>> = {}): EventOf<'signed'> => ({
  ...{ type: 'signed', attempt, purpose: 'act', ...sample_journal, nonce, raw: `0x${nonce}0${attempt}` },
  ...{ hash: `0x${nonce}f${attempt}`, gas: '150000', max_fee: '1000', tip: '100', block: 100 },
  ...more,
})

export const includedOf = (attempt: number, more: Partial<EventOf<'included'>> = {}): EventOf<'included'> => ({
  ...{ type: 'included', attempt, block: 100, block_hash: '0xb1', status: 'ok', gas: '140000', gas_price: '900' },
  ...{ paid: '3000000000', got: '995000000000000000' },
  ...more,
})

/** The group of entries a crash test appends as its `n`-th, from 1: of changing length, and no two alike. */
export function groupOf(n: number): readonly Entry[] {
  const at = 1_700_000_000e6 + n
  const id = `order ${n}`
  const data = `0x${n.toString(16)}`.padEnd((n * 7919) % 6000, 'f')
  const group: readonly Entry[] = [
    { at, id, event: receivedOf(id) },
    { at, id, event: { ...planned, data } },
    { at, signer: sample_journal.signer, event: { type: 'halted', code: `${n}`, reason: 'a sample' } },
  ]
  return group.slice(0, 1 + (n % 3))
}
/** The first `n` groups, one after the other. */
export const groupsOf = (n: number): readonly Entry[] => Array.from({ length: n }, (_, i) => groupOf(i + 1)).flat()
/** How many groups so many entries are; undefined where the last one is torn. */
export function countOf(entries: number): number | undefined {
  let n = 0
  let left = entries
  while (left > 0) left -= groupOf(++n).length
  return left === 0 ? n : undefined
}
