import type { CcxtTrade } from './exchange.ts'

const contentOf = ({ timestamp, price, amount, side }: CcxtTrade): string => `${timestamp} ${price} ${amount} ${side}`

/**
 * Which trades were told. Pages overlap, and some exchanges number no trade, or only the newest of a page: what has no
 * number is known by its content, as often as it was told.
 */
export class Told {
  private readonly window: number
  private readonly ids = new Map<string, number>()
  private readonly contents = new Map<string, { at: number; count: number }>()
  private newest = 0

  /** Trades that are this many ms older than the newest are forgotten. */
  constructor(window: number) {
    this.window = window
  }
  get size(): number {
    return this.contents.size
  }

  /** Those of a page that were not told, which are then taken for told. Pages that never overlap repeat ids only. */
  fresh<T extends CcxtTrade>(page: readonly T[], pages: 'overlap' | 'follow'): readonly T[] {
    const seen = new Map<string, number>()
    const forgotten = this.newest - this.window
    const fresh = page.filter((trade) => {
      // some exchanges give the same long page whatever they are asked for
      if (trade.timestamp !== undefined && trade.timestamp < forgotten) return false
      if (trade.id !== undefined && this.ids.has(trade.id)) {
        this.count(seen, contentOf(trade))
        return false
      }
      const times = this.count(seen, contentOf(trade))
      return trade.id !== undefined || pages === 'follow' || times > (this.contents.get(contentOf(trade))?.count ?? 0)
    })
    for (const trade of fresh) this.remember(trade)
    this.forget()
    return fresh
  }

  private count(seen: Map<string, number>, content: string): number {
    const times = (seen.get(content) ?? 0) + 1
    seen.set(content, times)
    return times
  }
  private remember(trade: CcxtTrade): void {
    const at = trade.timestamp ?? this.newest
    this.newest = Math.max(this.newest, at)
    if (trade.id !== undefined) this.ids.set(trade.id, at)
    const content = contentOf(trade)
    this.contents.set(content, { at, count: (this.contents.get(content)?.count ?? 0) + 1 })
  }
  /** The newest are kept however old they are: the next page must overlap with something. */
  private forget(): void {
    const before = this.newest - this.window
    for (const [id, at] of this.ids) if (at < before) this.ids.delete(id)
    for (const [content, { at }] of this.contents) if (at < before) this.contents.delete(content)
  }
}
