import { RpcFailure, type SourceContext, type SourceItem } from '../../runtime/define.ts'
import { TidegateError } from '../../schemas/errors.ts'
import { Asker } from './asker.ts'
import { Chain } from './chain.ts'
import { Client, type ClientSettings } from './client.ts'
import { headersBetween } from './headers.ts'
import { logsOf, windowsOf } from './logs.ts'
import { Narrator } from './narrator.ts'
import { type Ask, blockByHash, blockByNumber } from './questions.ts'
import type { Row, Teller } from './teller.ts'
import type { Head } from './wire.ts'

export interface FollowerSettings extends Omit<ClientSettings, 'filter'> {
  readonly confirmations: number
  readonly reorg_depth: number
  readonly backfill: number
  readonly heartbeat_every: number
  readonly stale_after: number
  readonly from_block?: number | undefined
}

/** Blocks followed in one go. */
const stride = 256
/** How often nodes may say that they do not have a block before it is believed; and it takes as long as the longest wait for a connection. */
const patienceForHoles = 8
const lastRetry = 5e6

/** Follows the head of a chain: every block once, in order, and those that leave it taken back. */
export class Follower<T> {
  private readonly settings: FollowerSettings
  private readonly context: SourceContext
  private readonly teller: Teller<T>
  private readonly narrator: Narrator
  private readonly fail: (error: unknown) => void
  private readonly client: Client
  private readonly chain: Chain<Head, T>
  private state: 'waiting' | 'following' | 'closed' = 'waiting'
  private work: 'idle' | 'busy' = 'idle'
  /** `broken`: a connection was lost since a head was followed to its end; `catching_up`: the first has not been. */
  private continuity: 'catching_up' | 'held' | 'broken' = 'catching_up'
  /** How often a connection was lost. */
  private breaks = 0
  private next: Head | undefined
  /** Counts heads, so that one that was asked for does not take the place of a newer one that came meanwhile. */
  private heard = 0
  /** The block the teller has to begin with before anything is told. */
  private unread: Head | undefined
  private retries = 0
  private holes = 0
  private holesSince = 0
  private stopRetry = () => {}
  private stopRestate = () => {}
  private readonly asker: Asker
  private readonly ask: Ask = (question) => this.asker.ask(question)

  constructor(
    settings: FollowerSettings,
    context: SourceContext,
    teller: Teller<T>,
    say: (items: readonly SourceItem[]) => void,
    fail: (error: unknown) => void,
  ) {
    this.settings = settings
    this.context = context
    this.teller = teller
    this.fail = fail
    this.narrator = new Narrator({ ...settings, keys: teller.keys }, context, say)
    this.chain = new Chain(settings.reorg_depth, settings.confirmations)
    this.client = new Client({ ...settings, filter: teller.filter }, context, {
      head: (head) => this.hear(head),
      told: (event, detail, count) => {
        if (event === 'lost' || event === 'failover') {
          this.breaks++
          if (this.continuity === 'held') this.continuity = 'broken'
        }
        this.narrator.event(event, detail, count)
      },
      invalid: (reason, bytes) => this.narrator.invalid(reason, bytes),
      failed: fail,
    })
    // A newer head may say that a block in question is gone.
    this.asker = new Asker(this.client, context, settings.limits.backoff, () => this.next !== undefined)
  }

  start(): void {
    this.client.start()
  }

  stop(): void {
    this.state = 'closed'
    this.stopRetry()
    this.stopRestate()
    this.client.close()
    this.asker.close()
  }

  private get closed(): boolean {
    return this.state === 'closed'
  }

  private get hopeless(): boolean {
    const lasted = this.context.clock.now() - this.holesSince
    return this.holes > patienceForHoles && lasted >= this.settings.limits.backoffCap
  }

  private hear(head: Head): void {
    this.heard++
    this.next = head
    if (this.work === 'idle') void this.pump()
  }

  private async pump(): Promise<void> {
    this.work = 'busy'
    this.stopRetry()
    while (this.next !== undefined && !this.closed) {
      const head = this.next
      this.next = undefined
      try {
        await this.follow(head)
        ;[this.retries, this.holes] = [0, 0]
      } catch (error) {
        if (this.closed) return
        if (error instanceof RpcFailure) this.later(error, head)
        else this.fail(error)
      }
    }
    this.work = 'idle'
  }

  /** A head that could not be followed is tried again later, or the one that is higher then: who answers may be behind. */
  private later({ reason, message, after }: RpcFailure, wanted: Head): void {
    const said = reason === 'absent' || reason === 'refused'
    if (said && this.holes++ === 0) this.holesSince = this.context.clock.now()
    if (this.continuity === 'catching_up' && this.unread !== undefined && this.hopeless) {
      const problem = `${this.settings.name}: the nodes do not answer what it needs to begin: ${message}`
      this.fail(new TidegateError('SOURCE_FAILED', problem, { reason }))
      return
    }
    const { backoff, backoffCap } = this.settings.limits
    this.stopRetry()
    const wait = Math.max(after, Math.min(lastRetry, backoffCap, (backoff / 4) * 2 ** this.retries++))
    const { heard } = this
    this.stopRetry = this.context.clock.after(wait, () => {
      this.ask(blockByNumber('latest')).then(
        (head) => {
          if (heard === this.heard) this.hear(head.number >= wanted.number ? head : wanted)
        },
        (failure) => {
          if (!this.closed && heard === this.heard) this.later(failure as RpcFailure, wanted)
        },
      )
    })
  }

  private async follow(head: Head): Promise<void> {
    const { breaks } = this
    if (this.state === 'waiting') await this.begin(head)
    const missing = head.number - this.height() - 1
    if (missing > this.settings.backfill && this.continuity !== 'catching_up') {
      // One head may be rubbish: it is believed when it can be asked for.
      await this.ask(blockByHash(head.hash, head.number))
      return this.giveUp(head, `${missing} blocks are missing`)
    }
    if (this.hopeless) return this.giveUp(head, 'the nodes do not have blocks that are missing')
    while (head.number - this.height() > stride && !this.closed)
      await this.goTo(await this.ask(blockByNumber(this.height() + stride)), head.number, missing)
    await this.goTo(head, head.number, missing)
    // what broke while this head was followed is mended by a later one: this one may be from before
    if (this.breaks > breaks) return
    const { restate } = this.teller
    if (this.continuity === 'broken' && restate !== undefined) this.restate()
    this.continuity = 'held'
  }

  private height(): number {
    return this.chain.tip?.number ?? 0
  }

  private async begin(head: Head): Promise<void> {
    const { from_block } = this.settings
    const { position } = this.context
    // Rows that are in the log already are not told again: who goes on begins at the head.
    const history = from_block !== undefined && position === 0 && from_block < head.number
    const first = history ? await this.ask(blockByNumber(from_block)) : head
    if (this.closed) return
    this.chain.begin(first)
    this.unread = first
    this.state = 'following'
    this.narrator.gap(first.at, position > 0 ? 'resumed' : 'connected')
  }

  /** Puts a block and those below it in their places, and tells what is due. */
  private async goTo(block: Head, head: number, missing: number): Promise<void> {
    const ahead = await headersBetween(this.ask, this.height() + 1, block.number - 1)
    const branch = [block]
    while (!this.closed) {
      const judgement = this.chain.judge(branch)
      if (judgement.type === 'known' || judgement.type === 'behind') break
      if (judgement.type === 'joins') {
        this.join(branch, judgement.base)
        break
      }
      const { parent } = judgement
      const number = (branch[0]?.number ?? 0) - 1
      branch.unshift(ahead.get(parent) ?? (await this.ask(blockByHash(parent, number))))
    }
    await this.tellDue(head, missing)
  }

  private join(branch: readonly Head[], base: number): void {
    const { undone, whole } = this.chain.join(branch, base)
    if (undone.length > 0) {
      const rows = this.teller.undo(undone, this.tools())
      this.narrator.event('resynced', `${undone.length} blocks left the chain`, rows.length)
      this.narrator.rows(rows)
    }
    if (base < 0) this.unread = this.chain.base
    if (!whole) this.narrator.gap(0, 'sequence')
  }

  private async tellDue(head: number, missing: number): Promise<void> {
    const { filter } = this.teller
    if (this.unread !== undefined) await this.teller.begin(this.unread, this.ask)
    this.unread = undefined
    for (const window of windowsOf(this.chain.due(), head)) {
      const [logs, blocks] = await Promise.all([
        filter === undefined ? undefined : logsOf(this.ask, filter, window, (hash) => this.client.pushedOf(hash)),
        Promise.all(window.map(async (block) => (await this.teller.complete?.(block, this.ask)) ?? block)),
      ])
      if (this.closed) return
      // From here on nothing is awaited: a block is told and remembered in one breath.
      const made: { readonly block: Head; readonly rows: readonly Row[] }[] = []
      for (const block of blocks) {
        const { rows, memory } = this.teller.tell(block, logs?.get(block.hash) ?? [], this.tools())
        this.chain.tell(block, memory)
        this.holes = 0
        made.push({ block, rows })
      }
      const count = made.reduce((sum, { rows }) => sum + rows.length, 0)
      if (this.continuity === 'broken' && missing > 0)
        this.narrator.event('filled', `blocks ${blocks[0]?.number} to ${blocks.at(-1)?.number}`, count)
      for (const { block, rows } of made) {
        this.narrator.reach(block.at)
        this.narrator.rows(rows)
        this.narrator.beat()
      }
    }
    this.waitForHead()
  }

  private tools() {
    return { now: this.context.clock.now(), invalid: this.narrator.invalidLog }
  }

  /** What is missing cannot be had: said as a gap, and the chain is followed from here. */
  private async giveUp(head: Head, why: string): Promise<void> {
    this.narrator.event('unfilled', why, 0)
    this.narrator.gap(head.at, 'disconnected')
    this.chain.begin(head)
    this.unread = head
    this.holes = 0
    await this.tellDue(head.number, 0)
    this.continuity = 'held'
  }

  private restate(): void {
    this.narrator.rows(this.teller.restate?.(this.tools()) ?? [])
  }

  private waitForHead(): void {
    this.stopRestate()
    if (this.teller.restate === undefined) return
    this.stopRestate = this.context.clock.after(this.settings.stale_after, () => {
      this.restate()
      this.waitForHead()
    })
  }
}
