/** Shares of the supply, and what moved since the last look. */
export interface Spread {
  readonly top1: number
  readonly top10: number
  readonly top_seen: number
  readonly concentration: number
  readonly moves: number
  readonly movedIn: bigint
  readonly movedOut: bigint
}

/** The largest wallets of one jetton, look after look. */
export class Balances {
  private readonly moveShare: number
  private before: ReadonlyMap<string, bigint> | undefined

  constructor(moveShare: number) {
    this.moveShare = moveShare
  }

  look(wallets: ReadonlyMap<string, bigint>, supply: bigint): Spread {
    // wallets are read after the supply, and the supply may have grown: a share is never above 1
    const share = (amount: bigint) => (supply > 0n ? Math.min(1, Number(amount) / Number(supply)) : 0)
    const sorted = [...wallets.values()].sort((a, b) => (a > b ? -1 : a < b ? 1 : 0))
    const sum = (amounts: readonly bigint[]) => amounts.reduce((total, amount) => total + amount, 0n)
    const moved = this.moved(wallets, Math.max(1, Number(supply) * this.moveShare))
    this.before = wallets
    return {
      top1: share(sorted[0] ?? 0n),
      top10: share(sum(sorted.slice(0, 10))),
      top_seen: share(sum(sorted)),
      concentration: Math.min(
        1,
        sorted.reduce((total, amount) => total + share(amount) * share(amount), 0),
      ),
      ...moved,
    }
  }

  private moved(now: ReadonlyMap<string, bigint>, bound: number): Pick<Spread, 'moves' | 'movedIn' | 'movedOut'> {
    const moved = { moves: 0, movedIn: 0n, movedOut: 0n }
    const { before } = this
    if (before === undefined) return moved
    // a wallet that is not in a list had at most the least that is
    const floorBefore = least(before)
    const floorNow = least(now)
    for (const wallet of new Set([...before.keys(), ...now.keys()])) {
      const old = before.get(wallet)
      const held = now.get(wallet)
      const change = old === undefined ? (held ?? 0n) - floorBefore : held === undefined ? floorNow - old : held - old
      const sure = old === undefined ? change > 0n : held === undefined ? change < 0n : true
      if (!sure || Math.abs(Number(change)) < bound) continue
      moved.moves++
      if (change > 0n) moved.movedIn += change
      else moved.movedOut -= change
    }
    return moved
  }
}
const least = (balances: ReadonlyMap<string, bigint>): bigint => {
  let found: bigint | undefined
  for (const balance of balances.values()) if (found === undefined || balance < found) found = balance
  return found ?? 0n
}
