import { pause, type SourceContext } from '../../runtime/define.ts'
import type { Rest } from '../feed/rest.ts'
import type { Ledger } from './ledger.ts'
import { isFields, type Transaction, transactionOf } from './transaction.ts'

export interface ResyncSettings {
  readonly rest: Rest
  readonly clock: SourceContext['clock']
  /** µs after which what is still missing is a gap. */
  readonly within: number
  /** µs between two questions for the same pool: the index is some seconds behind the chain. */
  readonly again: number
  readonly failed: (account: string, problem: string) => void
  /** Whether the stream was lost since it was first opened. */
  readonly interrupted: (account: string) => boolean
}
/** API v3 gives up to 1000; transactions with their messages are some kB each. */
const PAGE = 256
/** Enough to find what was told early among what has become final since. */
const NEWEST = 20

/** Asks API v3 for the final transactions of a pool behind the newest one that was told. */
export class Resync {
  private readonly settings: ResyncSettings
  private readonly busy = new Map<string, 'asking' | 'asked again'>()
  private readonly stopping = new AbortController()

  constructor(settings: ResyncSettings) {
    this.settings = settings
  }

  asking(account: string): boolean {
    return this.busy.has(account)
  }
  stop(): void {
    this.stopping.abort()
  }

  /** Answers whether everything final up to now has been told; false where the interface could not be asked. */
  async ask(account: string, ledger: Ledger): Promise<boolean> {
    if (this.busy.has(account)) {
      this.busy.set(account, 'asked again')
      return false
    }
    this.busy.set(account, 'asking')
    const { clock, within, again } = this.settings
    const began = clock.now()
    let whole = false
    while (!this.stopping.signal.aborted) {
      this.busy.set(account, 'asking')
      whole = await this.pages(account, ledger)
      if (this.stopping.signal.aborted) return false
      const more = this.busy.get(account) === 'asked again'
      if (whole && !ledger.missing && !more) break
      if (clock.now() - began >= within) {
        ledger.concede()
        break
      }
      await pause(this.settings.clock, again, this.stopping.signal)
    }
    this.busy.delete(account)
    return whole
  }

  private async pages(account: string, ledger: Ledger): Promise<boolean> {
    const rest = this.settings.rest.until(this.stopping.signal)
    try {
      for (;;) {
        const before = ledger.head
        const query =
          before === undefined ? { limit: NEWEST, sort: 'desc' } : { start_lt: before + 1, limit: PAGE, sort: 'asc' }
        const page = transactionsOf(await rest.get('/api/v3/transactions', { account, ...query }))
        if (this.stopping.signal.aborted) return false
        if (page === undefined) throw new TypeError('an answer that is not as documented')
        const ours = page.filter((transaction) => transaction.account === account)
        if (before === undefined) {
          ledger.start(ours, this.settings.interrupted(account))
          return true
        }
        ledger.filled(ours)
        if (page.length < PAGE || ledger.head === before) return page.length < PAGE
      }
    } catch (error) {
      if (!this.stopping.signal.aborted) this.settings.failed(account, (error as Error).message)
      return false
    }
  }
}

function transactionsOf(answer: unknown): readonly Transaction[] | undefined {
  if (!isFields(answer) || !Array.isArray(answer['transactions'])) return undefined
  const all = answer['transactions'].map(transactionOf)
  return all.includes(undefined) ? undefined : (all as readonly Transaction[]).toSorted((a, b) => a.lt - b.lt)
}
