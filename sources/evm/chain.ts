/** What a block says of its place. */
export interface Place {
  readonly number: number
  readonly hash: string
  readonly parent: string
}
/** What a branch of new blocks, oldest first, is to the blocks that are remembered. */
export type Judgement =
  /** Its end is among them. */
  | { readonly type: 'known' }
  /** It ends below what is held: it has yet to show that it is the chain. */
  | { readonly type: 'behind' }
  /** Its first block stands on one that must be asked for. */
  | { readonly type: 'ask'; readonly parent: string }
  /** It stands on one of them, or on nothing they know (`base` -1). */
  | { readonly type: 'joins'; readonly base: number }

interface Held<B, T> {
  readonly block: B
  told: { readonly what: T } | undefined
}

/**
 * The newest blocks of a chain, and what was told of each. A block is told once `confirmations` blocks stand on it; one
 * that leaves the chain gives back what was told of it. What was told and not given back is, at any time, the chain.
 */
export class Chain<B extends Place, T> {
  private held: Held<B, T>[] = []
  private readonly keep: number
  private readonly confirmations: number
  /** Blocks below those that are held have been told and forgotten. */
  private forgot = false

  constructor(keep: number, confirmations: number) {
    this.keep = keep
    this.confirmations = confirmations
  }

  get tip(): B | undefined {
    return this.held.at(-1)?.block
  }

  /** The lowest block that is held. */
  get base(): B | undefined {
    return this.held[0]?.block
  }

  /** Starts afresh with this block; what was told of others stays told. */
  begin(block: B): void {
    this.held = [{ block, told: undefined }]
    this.forgot = false
  }

  judge(branch: readonly B[]): Judgement {
    const [first, last, tip] = [branch[0], branch.at(-1), this.tip]
    if (first === undefined || last === undefined || tip === undefined) return { type: 'behind' }
    if (this.held.some(({ block }) => block.hash === last.hash)) return { type: 'known' }
    if (last.number < tip.number) return { type: 'behind' }
    const base = this.held.findLastIndex(({ block }) => block.hash === first.parent)
    if (base >= 0) return { type: 'joins', base }
    const lowest = this.held[0]?.block.number ?? 0
    return first.number <= lowest ? { type: 'joins', base: -1 } : { type: 'ask', parent: first.parent }
  }

  /**
   * Puts a branch that joins in place of what stood on its base. Gives back what was told of the blocks that leave,
   * newest first; `whole` is false where blocks that are forgotten have left too.
   */
  join(branch: readonly B[], base: number): { readonly undone: readonly T[]; readonly whole: boolean } {
    const leaving = this.held.splice(base + 1)
    const lowest = leaving[0]?.block.number ?? 0
    const coming = base < 0 ? branch.filter(({ number }) => number >= lowest) : branch
    this.held.push(...coming.map((block) => ({ block, told: undefined })))
    const undone = leaving.flatMap(({ told }) => (told === undefined ? [] : [told.what])).reverse()
    return { undone, whole: base >= 0 || !this.forgot }
  }

  /** Blocks that are deep enough to be told and have not been, oldest first. */
  due(): readonly B[] {
    const deepest = (this.tip?.number ?? 0) - this.confirmations
    return this.held
      .filter(({ block, told }) => told === undefined && block.number <= deepest)
      .map(({ block }) => block)
  }

  tell(block: B, what: T): void {
    const held = this.held.find((h) => h.block.hash === block.hash)
    if (held !== undefined) held.told = { what }
    const spare = this.held.length - this.keep - this.confirmations - 1
    const told = this.held.findIndex((h) => h.told === undefined)
    const over = Math.min(spare, told < 0 ? this.held.length - 1 : told)
    if (over > 0) {
      this.held.splice(0, over)
      this.forgot = true
    }
  }
}
