import type { SourceItem } from '../../runtime/define.ts'
import type { FeedEvent } from '../../schemas/market.ts'
import { invalidItem } from './invalid.ts'

/** Where the items of a feed leave it: those of one network chunk as one array, in the order of their event time. */
export class Outlet {
  private readonly next: (items: readonly SourceItem[]) => void
  private batch: SourceItem[] = []
  /** Items wait while something that belongs before them is asked for. */
  private state: 'open' | 'holding' = 'open'
  private latest = 0
  /** What happened before the venue had told a time. */
  private early: ((at: number) => SourceItem)[] = []

  constructor(next: (items: readonly SourceItem[]) => void) {
    this.next = next
  }

  /** The newest event time told. */
  get newest(): number {
    return this.latest
  }
  get waiting(): number {
    return this.batch.length
  }

  tell(item: SourceItem): void {
    if (this.latest === 0) this.begin(item.at)
    if (item.at > this.latest) this.latest = item.at
    this.push(item)
  }
  /** An event has the newest time that was told: it moves none itself. */
  event(key: string, event: FeedEvent['event'], detail: string, count = 0): void {
    this.stamped((at) => ({ type: 'event', at, key, value: { event, detail, count } }))
  }
  invalid(key: string, reason: string, bytes: Uint8Array | string): void {
    this.stamped((at) => invalidItem(at, key, reason, bytes))
  }
  /** No time was told yet and may never be: what happened so far is stamped with a local one. */
  begin(at: number): void {
    const { early } = this
    this.early = []
    for (const item of early) this.push(item(at))
  }

  hold(): void {
    this.state = 'holding'
  }
  /** Lets out what was held, by event time; every key keeps the order it was told in. */
  release(): void {
    if (this.state === 'open') return
    this.state = 'open'
    const reached = new Map<string, number>()
    const timed = this.batch.map((item) => {
      const at = Math.max(item.at, reached.get(keyOf(item)) ?? 0)
      reached.set(keyOf(item), at)
      return { at, item }
    })
    this.batch = timed.sort((a, b) => a.at - b.at).map(({ item }) => item)
    this.flush()
  }
  flush(): void {
    if (this.state === 'holding' || this.batch.length === 0) return
    const items = this.batch
    this.batch = []
    this.next(items)
  }

  private stamped(item: (at: number) => SourceItem): void {
    if (this.latest === 0) this.early.push(item)
    else this.push(item(this.latest))
  }
  private push(item: SourceItem): void {
    if (this.batch.push(item) === 1) queueMicrotask(() => this.flush())
  }
}

const keyOf = (item: SourceItem): string => (item.type === 'end' ? '*' : item.key)
