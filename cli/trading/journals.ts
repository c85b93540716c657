import { secretName } from '../../runtime/environment/secret.ts'
import type { Plan, PlannedSink } from '../../runtime/plan.ts'
import { readJournal } from '../../sinks/evm/open_executor.ts'
import type { EvmSwapParams } from '../../sinks/evm/params.ts'
import type { Entry } from '../../sinks/execution/entry.ts'
import type { JournalOf } from '../../sinks/execution/journal.ts'
import type { Context } from '../verb.ts'

/** An execution sink on an EVM chain, and which journal is its own. */
export interface EvmSink {
  readonly node: string
  readonly params: EvmSwapParams
  readonly of: JournalOf
}

/** Where a definition trades on EVM chains. */
export const evmSinksOf = (plan: Pick<Plan, 'executors'>): readonly EvmSink[] =>
  plan.executors
    .filter(({ component }: PlannedSink) => component.name === 'evm_swap')
    .map(({ id, params: given }) => {
      const params = given as EvmSwapParams
      return { node: id, params, of: { chain: `eip155:${params.chain_id}`, signer: params.signer.address } }
    })

/** Environment variables that are ours. */
export const secretsOf =
  ({ environment }: Pick<Context, 'environment'>) =>
  (name: string): string | undefined =>
    secretName.test(name) ? environment[name] : undefined

/**
 * What the journals of a plan hold, by node; those that are not on this machine are left out.
 * @throws JOURNAL_CORRUPT, JOURNAL_NEWER, JOURNAL_UNREACHABLE
 */
export async function journalsOf(plan: Plan, context: Context): Promise<ReadonlyMap<string, readonly Entry[]>> {
  const read = new Map<string, readonly Entry[]>()
  for (const { node, of } of evmSinksOf(plan)) {
    const entries = await readJournal(secretsOf(context), of)
    if (entries !== undefined) read.set(node, entries)
  }
  return read
}
