import { type Endpoint, failed, patience, RpcFailure, type SourceContext, score } from '../../runtime/define.ts'
import { TidegateError } from '../../schemas/errors.ts'
import type { FeedEvent } from '../../schemas/market.ts'
import { textOf } from '../feed/invalid.ts'
import type { SocketLimits } from '../feed/socket.ts'
import { Link, type LogFilter } from './link.ts'
import type { Head, Log } from './wire.ts'

export interface ClientSettings {
  readonly name: string
  readonly chain_id: number
  readonly endpoints: readonly Endpoint[]
  readonly filter: LogFilter | undefined
  readonly limits: SocketLimits
  readonly poll_every: number
  readonly stall_after: number
  readonly request_timeout: number
  /** Blocks an endpoint may be behind another before that one leads. */
  readonly max_lag: number
}
export interface ClientHears {
  readonly head: (head: Head) => void
  readonly told: (event: FeedEvent['event'], detail: string, count: number) => void
  readonly invalid: (reason: string, bytes: Buffer | string) => void
  readonly failed: (error: unknown) => void
}
export interface Question<T> {
  readonly method: string
  readonly params: readonly unknown[]
  /** The answer, or undefined where it is none. */
  readonly read: (answer: unknown) => T | undefined
  /** A refusal is an answer too: it is not asked again. */
  readonly once?: boolean
}
/** Pushed logs of so many blocks are kept, to be found again in what is asked for. */
const pushedBlocks = 64

/** All endpoints of one chain: one leads and its heads are followed; questions go to whoever answers. */
export class Client {
  private readonly settings: ClientSettings
  private readonly context: SourceContext
  private readonly hears: ClientHears
  private readonly links: readonly Link[]
  private leader: Link | undefined
  private readonly pushed = new Map<string, Set<number>>()
  private stopStart = () => {}
  private stopWatch = () => {}

  constructor(settings: ClientSettings, context: SourceContext, hears: ClientHears) {
    this.settings = settings
    this.context = context
    this.hears = hears
    const { poll_every, request_timeout: timeout } = settings
    const own = {
      ...settings,
      timeout,
      pace: (link: Link) => (this.leader?.state === 'pushed' && link !== this.leader ? 10 : 1) * poll_every,
    }
    this.links = settings.endpoints.map(
      (endpoint) =>
        new Link(endpoint, own, context, {
          up: (one) => {
            this.elect()
            if (one !== this.leader && one.head !== undefined) this.arrived(one, one.head)
          },
          down: (link, why) => this.fell(link, why),
          head: (link, head) => this.arrived(link, head),
          log: (log) => this.note(log),
          told: hears.told,
          invalid: hears.invalid,
        }),
    )
  }

  start(): void {
    for (const link of this.links) link.start()
    this.stopStart = this.context.clock.after(
      3 * Math.max(this.settings.limits.openWithin, this.settings.request_timeout),
      () => this.giveUp(),
    )
    this.watch()
  }

  close(): void {
    this.stopStart()
    this.stopWatch()
    for (const link of this.links) link.close()
  }

  /** Log indices that were pushed for a block: an answer without them is not whole. */
  pushedOf(hash: string): ReadonlySet<number> {
    return this.pushed.get(hash) ?? new Set()
  }

  /**
   * Asks the leader; the next best too when the answer is later than usual, or at once when there is none.
   * @throws RpcFailure when no endpoint answers
   */
  ask<T>({ method, params, read }: Question<T>): Promise<T> {
    const { clock } = this.context
    const queue = this.inOrder()
    return new Promise((resolve, reject) => {
      let open = 0
      let state: 'asking' | 'settled' = 'asking'
      let last = this.nobody()
      let cancel = () => {}
      const settle = (how: () => void) => {
        if (state === 'settled') return
        state = 'settled'
        cancel()
        how()
      }
      const next = () => {
        cancel()
        const link = queue.shift()
        if (link === undefined) {
          if (open === 0) settle(() => reject(last))
          return
        }
        open++
        cancel = clock.after(patience(link.health), next)
        link.ask(method, params).then(
          (answer) => {
            open--
            if (state === 'settled') return
            const value = answer === null ? undefined : read(answer)
            if (value !== undefined) return settle(() => resolve(value))
            last = new RpcFailure(
              answer === null ? 'absent' : 'malformed',
              `${method}: ${answer === null ? 'not there' : 'no such answer'}`,
            )
            if (answer !== null) {
              link.health = failed(link.health)
              this.hears.invalid('malformed', textOf(answer))
            }
            next()
          },
          (failure: RpcFailure) => {
            open--
            if (failure.reason === 'refused' || last.reason !== 'refused') last = failure
            if (state === 'asking') next()
          },
        )
      }
      next()
    })
  }

  private nobody(): RpcFailure {
    const rests = this.links.map(({ health }) => health.rests - this.context.clock.now()).filter((left) => left > 0)
    if (rests.length === 0) return new RpcFailure('unreachable', 'no endpoint to ask')
    return new RpcFailure('limited', 'all endpoints ask to be left alone', { after: Math.min(...rests) })
  }

  private inOrder(): Link[] {
    const now = this.context.clock.now()
    const usable = this.links.filter(
      ({ state, health }) => (state === 'pushed' || state === 'polled') && health.rests <= now,
    )
    // The leader knows the blocks it told of; another may not have them yet.
    const leads = (link: Link) => link === this.leader && link.health.errors < 0.5
    const place = (link: Link) => (leads(link) ? -1 : this.scoreOf(link, now))
    return usable.toSorted((a, b) => place(a) - place(b))
  }

  private scoreOf(link: Link, now: number): number {
    const best = Math.max(...this.links.map(({ head }) => head?.number ?? 0))
    return score(link.health, best - (link.head?.number ?? 0), now)
  }

  private arrived(link: Link, head: Head): void {
    const { leader } = this
    if (link === leader) this.hears.head(head)
    else if (leader?.head !== undefined && head.number - leader.head.number >= this.settings.max_lag)
      this.elect(`${leader.label} is ${head.number - leader.head.number} blocks behind`)
  }

  private fell(link: Link, why: string): void {
    if (this.links.every(({ state }) => state === 'foreign')) this.giveUp()
    else if (link === this.leader) this.elect(`${link.label}: ${why}`)
  }

  /** The best endpoint leads: at first, and when the one that does fails. */
  private elect(why?: string): void {
    const { leader } = this
    if (leader !== undefined && leader.state !== 'down' && leader.state !== 'foreign' && why === undefined) return
    const now = this.context.clock.now()
    const rank = (link: Link) => this.scoreOf(link, now) * (link.state === 'pushed' ? 1 : 10)
    const able = this.links.filter((link) => (link.state === 'pushed' || link.state === 'polled') && link !== leader)
    const best = able.toSorted((a, b) => rank(a) - rank(b))[0]
    if (best === undefined) {
      if (leader?.state === 'down' || leader === undefined) return
      if (leader.state === 'foreign') this.leader = undefined
      else if (leader.head !== undefined) this.hears.head(leader.head)
      return
    }
    this.leader = best
    this.stopStart()
    if (leader !== undefined)
      this.hears.told('failover', `${leader.label} to ${best.label}: ${why ?? leader.trouble}`, 0)
    if (best.head !== undefined) this.hears.head(best.head)
  }

  /** A leader that is asked for heads, answers, and has no new ones, hands over. Pushed ones are watched by the socket. */
  private watch(): void {
    const { stall_after } = this.settings
    const { clock } = this.context
    this.stopWatch = clock.after(stall_after / 4, () => {
      const { leader } = this
      if (leader?.state === 'polled' && clock.now() - leader.moved > stall_after) {
        leader.moved = clock.now()
        this.elect(`${leader.label} has no new head`)
      }
      this.watch()
    })
  }

  private note(log: Log): void {
    const indices = this.pushed.get(log.block_hash) ?? new Set()
    this.pushed.set(log.block_hash, indices.add(log.index))
    const [oldest] = this.pushed.keys()
    if (this.pushed.size > pushedBlocks && oldest !== undefined) this.pushed.delete(oldest)
  }

  private giveUp(): void {
    const reasons = this.links.map(({ label, trouble }) => `${label}: ${trouble}`)
    const problem = `${this.settings.name}: no endpoint can be used: ${reasons.join('; ')}`
    this.hears.failed(new TidegateError('SOURCE_FAILED', problem, { endpoints: this.links.map(({ label }) => label) }))
  }
}
