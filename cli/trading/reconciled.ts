import { toText } from '../../schemas/fixed.ts'
import { lookBack, standOf } from '../../sinks/evm/look_back.ts'
import { readJournal } from '../../sinks/evm/open_executor.ts'
import { compareChain } from '../../sinks/evm/reconcile.ts'
import { Book } from '../../sinks/execution/book.ts'
import type { Entry } from '../../sinks/execution/entry.ts'
import { agrees, type Finding } from '../../sinks/execution/finding.ts'
import { compareLog, heldPositions, type LogSide } from '../../sinks/execution/log_side.ts'
import type { Order } from '../../sinks/execution/order.ts'
import { table } from '../describe/table.ts'
import type { EvmSide } from './evm_side.ts'

/** What reconciling one execution sink gave. Amounts are whole units in decimal text, positions decimal text to 1e-8. */
export interface Reconciled {
  readonly node: string
  readonly chain: string
  readonly signer: string
  readonly journal: { readonly entries: number; readonly orders: number; readonly open: number } | null
  readonly block: number
  readonly nonce: { readonly journal: number | null; readonly chain: number }
  readonly halted: { readonly code: string; readonly reason: string } | null
  readonly balances: Readonly<Record<string, string>>
  readonly positions: readonly { readonly instrument: string; readonly log: string; readonly journal: string }[]
  readonly findings: readonly Finding[]
  readonly agrees: boolean
}

function folded(entries: readonly Entry[]): Book {
  const book = new Book()
  for (const entry of entries) book.add(entry)
  return book
}

/**
 * Compares journal, chain and log, beside a run that is going on too: the log is read before and after the journal, the
 * chain before it, so that nothing that happens meanwhile looks like a difference.
 * @throws JOURNAL_CORRUPT, JOURNAL_NEWER, JOURNAL_UNREACHABLE, ENDPOINT_UNREACHABLE, CHAIN_MISMATCH
 */
export async function reconciled(
  side: EvmSide,
  secret: (name: string) => string | undefined,
  logOf: (() => Promise<LogSide>) | undefined,
): Promise<Reconciled> {
  const { node, of, markets } = side
  const begun = await readJournal(secret, of)
  const before = await logOf?.()
  const stand = await standOf(side, Object.keys(folded(begun ?? []).opened?.balances ?? {}))
  const entries = (await readJournal(secret, of)) ?? []
  const book = folded(entries)
  const chain = await lookBack({ ...side, book, stand, orders: 'all' })
  const after = await logOf?.()
  const unitsOf = ({ intent }: Order) => markets.get(intent.key)
  const log = before && after && { ...after, fills: before.fills }
  const findings = [...compareChain(book, chain, markets), ...(log === undefined ? [] : compareLog(book, log, unitsOf))]
  return {
    ...{ node, chain: of.chain, signer: of.signer },
    journal: begun === undefined ? null : { ...countsOf(book), entries: entries.length },
    block: stand.head,
    nonce: { journal: book.next ?? null, chain: stand.count },
    halted: book.halt === undefined ? null : { code: book.halt.code, reason: book.halt.reason },
    balances: Object.fromEntries(Object.entries(stand.balances).map(([name, units]) => [name, units.toString()])),
    positions: (log === undefined ? [] : heldPositions(book, log, unitsOf)).map((held) => ({
      instrument: held.instrument,
      log: toText(held.log),
      journal: toText(held.journal),
    })),
    findings,
    agrees: agrees(findings),
  }
}
const countsOf = (book: Book) => ({ orders: [...book.all()].length, open: book.open().length })

export function reconciledText(of: Reconciled): string {
  const { node, chain, signer, journal, block, nonce, findings } = of
  const stands = journal === null ? 'no journal' : `${journal.orders} orders, ${journal.open} open`
  const head = `${node}: ${signer} on ${chain}: ${stands}; block ${block}, nonce ${nonce.chain}`
  const held = of.positions.map((p) => `  ${p.instrument}: ${p.journal} by the journal, ${p.log} by the log`)
  const told = findings.map((f) => [
    `  ${f.code}`,
    f.what,
    f.expected,
    f.found,
    f.mends === 'by_hand' ? 'somebody must look' : 'mends by itself',
  ])
  const list = told.length === 0 ? [] : [table(['  code', 'what', 'expected', 'found', ''], told)]
  return [head, ...held, ...list, of.agrees ? '  agrees' : '  does not agree'].join('\n')
}
