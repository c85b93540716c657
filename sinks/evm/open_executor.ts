import { homedir } from 'node:os'
import { join } from 'node:path'
import type { ExecutorContext } from '../../runtime/define.ts'
import { TidegateError } from '../../schemas/errors.ts'
import type { Book } from '../execution/book.ts'
import type { Entry, SignerEvent } from '../execution/entry.ts'
import { openFileJournal, readFileJournal } from '../execution/file_journal.ts'
import type { JournalOf, OpenedJournal } from '../execution/journal.ts'
import { Ledger } from '../execution/ledger.ts'
import type { Order } from '../execution/order.ts'
import { openPostgresJournal, readPostgresJournal } from '../execution/postgres_journal.ts'
import { journalUrlOf } from '../execution/postgres_link.ts'
import { Chain } from './chain.ts'
import { Executor } from './executor.ts'
import type { Address } from './hex.ts'
import { type Insist, insistentFor } from './insist.ts'
import { openSigner } from './keys/open_signer.ts'
import { lookBack, namesOf, openedAt, standOf } from './look_back.ts'
import { type Market, nowhere } from './market.ts'
import type { Nodes } from './nodes.ts'
import { type EvmSwapParams, marketsOf, rulesOf } from './params.ts'
import { compareChain } from './reconcile.ts'
import { nodesOf } from './rpc_params.ts'

/** Where the journal of a signer is kept on this machine: one for all pipelines, since they share its nonces. */
export const journalDirectory = (secret: ExecutorContext['secret'], { chain, signer }: JournalOf): string =>
  join(secret('TIDEGATE_JOURNALS') ?? join(homedir(), '.tidegate', 'journals'), `${chain.replace(':', '-')}-${signer}`)

/** A database where one is named, otherwise a file. */
export async function openJournal(
  { secret, clock }: Pick<ExecutorContext, 'secret' | 'clock'>,
  of: JournalOf,
): Promise<OpenedJournal> {
  const url = journalUrlOf(secret)
  if (url !== undefined) return openPostgresJournal(url, of, { clock })
  return openFileJournal(journalDirectory(secret, of), of)
}

/** What a journal holds, beside a living writer or after one; undefined where there is none. @throws as opening it does, but for LOG_LOCKED */
export async function readJournal(
  secret: ExecutorContext['secret'],
  of: JournalOf,
): Promise<readonly Entry[] | undefined> {
  const url = journalUrlOf(secret)
  if (url !== undefined) return (await readPostgresJournal(url, of))?.entries
  return readFileJournal(journalDirectory(secret, of))?.entries
}

/** What tests put between the executor and the world. */
export interface Seams {
  readonly journal?: (opened: OpenedJournal) => OpenedJournal
}

/**
 * Opens the live side: keys, nodes, journal. Nothing is sent before all of it stands.
 * @throws CHAIN_MISMATCH, CONTRACT_ABSENT, KEY_INVALID, KEY_UNSAFE, LOG_LOCKED where another process has the journal
 */
export async function openExecutor(
  params: EvmSwapParams,
  context: ExecutorContext,
  seams: Seams = {},
): Promise<Executor> {
  const { clock, secret, endpoint, notice, run, pipeline, node } = context
  const markets = new Map(marketsOf(params).map((market) => [market.key, market]))
  const signer = await openSigner(params.signer, { clock, endpoint, secret, home: homedir() })
  const nodes = nodesOf(node, params, context)
  const chain = new Chain(nodes, signer.address)
  const of = { chain: `eip155:${params.chain_id}`, signer: signer.address }
  const opened = await openJournal(context, of)
  try {
    const insist = insistentFor(context)
    const head = await insist(() => chain.head())
    await checkContracts(chain, [...markets.values()], insist)
    // of what was never planned nothing is told in units
    const unitsOf = ({ intent: { key }, plan }: Order) =>
      markets.get(key) ?? (plan === undefined ? nowhere(key) : unknownMarket(key))
    const parts = { signer: signer.address, of: { run, pipeline, node }, unitsOf, held: context.held, clock }
    const ledger = new Ledger({ opened: seams.journal?.(opened) ?? opened, ...parts })
    checkHeard(ledger, context)
    const asking = { chain, nodes, insist, markets, notice }
    if (ledger.book.opened === undefined) await ledger.noteSigner(await begin(asking))
    else await compared(ledger.book, asking)
    if (ledger.book.halt !== undefined)
      notice(`${signer.address} is halted, nothing new is signed: ${ledger.book.halt.reason}; tidegate reconcile`)
    const { chain_id } = params
    return new Executor({
      ...{ of: parts.of, ledger, chain, nodes, signer, chain_id, markets, clock, notice, head },
      rules: rulesOf(params),
    })
  } catch (error) {
    nodes.close()
    await opened.journal.close()
    throw error
  }
}

const unknownMarket = (key: string): never => {
  throw new TidegateError('MARKET_UNKNOWN', `the journal has orders for ${key}, which has no market here`, {
    instrument: key,
  })
}

/** @throws CONTRACT_ABSENT */
export async function checkContracts(chain: Chain, markets: readonly Market[], insist: Insist): Promise<void> {
  const named = markets.flatMap(({ key, venue, base, quote }) =>
    [...venue.contracts, base.address, quote.address].map((address): readonly [Address, string] => [address, key]),
  )
  for (const [address, key] of new Map(named))
    if ((await insist(() => chain.codeAt(address))) === '0x')
      throw new TidegateError('CONTRACT_ABSENT', `${key}: there is no contract at ${address}`, {
        address,
        instrument: key,
      })
}

interface Comparing {
  readonly chain: Chain
  readonly nodes: Nodes
  readonly insist: Insist
  readonly markets: ReadonlyMap<string, Market>
  readonly notice: (text: string) => void
}
/** Tells what journal and chain do not agree on; what has ended is believed. Trading goes on: foreign nonces halt it by themselves. */
async function compared(book: Book, { notice, ...asking }: Comparing): Promise<void> {
  const stand = await standOf(asking, Object.keys(book.opened?.balances ?? {}))
  const side = await lookBack({ ...asking, book, stand, orders: 'under_way' })
  for (const { code, what, expected, found, mends } of compareChain(book, side, asking.markets))
    if (mends === 'by_hand' && code !== 'SIGNER_HALTED')
      notice(`${code}: ${what}: expected ${expected}, found ${found}; tidegate reconcile`)
}

/** A log that heard more than this journal tells was made with another. @throws JOURNAL_FOREIGN */
function checkHeard({ heard }: Ledger, { held, node }: ExecutorContext): void {
  for (const port of ['order', 'fill', 'step'])
    if (held(port) > (heard.get(port) ?? 0))
      throw new TidegateError(
        'JOURNAL_FOREIGN',
        `the log holds ${held(port)} rows of ${node}.${port}, the journal tells of ${heard.get(port) ?? 0}: they do not belong together`,
        { port, held: held(port), told: heard.get(port) ?? 0 },
      )
}

/** What the signer has as its journal begins. @throws SIGNER_HALTED while transactions of somebody else's are on their way */
async function begin({ chain, nodes, insist, markets }: Comparing): Promise<SignerEvent> {
  const stand = await standOf({ chain, nodes, insist }, namesOf(markets.values()))
  const waiting = stand.pending - stand.count
  if (waiting <= 0) return openedAt(stand)
  throw new TidegateError(
    'SIGNER_HALTED',
    `${chain.signer} has ${waiting} transactions on their way that no journal knows; wait until they are in a block`,
    { nonce: stand.count, pending: stand.pending },
  )
}
