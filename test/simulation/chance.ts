/** All that is decided in a history, from one seed: splitmix32, so that neighbouring seeds have nothing in common. */
export class Chance {
  private state: number
  constructor(seed: number) {
    this.state = Math.imul(seed ^ 0x5bd1e995, 0x9e3779b1) ^ Math.floor(seed / 2 ** 32)
  }
  private next(): number {
    this.state = (this.state + 0x9e3779b9) | 0
    let mixed = this.state ^ (this.state >>> 16)
    mixed = Math.imul(mixed, 0x21f0aaad)
    mixed ^= mixed >>> 15
    mixed = Math.imul(mixed, 0x735a2d97)
    return (mixed ^ (mixed >>> 15)) >>> 0
  }
  /** A whole number, 0 <= n < limit. */
  below(limit: number): number {
    return this.next() % limit
  }
  happens(rate: number): boolean {
    return rate > 0 && this.next() < rate * 2 ** 32
  }
  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T
  }
}

/** How often things go wrong in a history. */
export interface Weather {
  /** A message does not reach the server, and its sender hears nothing. */
  readonly lost: number
  /** The sender gives up on a message that is still on its way. */
  readonly late: number
  /** It is stored, or refused, and the sender does not learn which. */
  readonly lost_answer: number
  /** A question has no answer. */
  readonly unanswered: number
  /**
   * A question is answered from what stood some records ago. An append bears that: at worst it believes itself fenced, and
   * a place is never filled twice. A recovery, or who reads inputs, may stop with LOG_LOST, and nothing is committed.
   */
  readonly stale: number
  /** A server that is about to take another message refuses this one as a conflict (10164). */
  readonly busy: number
  /** A server that has no room for now refuses (10077). */
  readonly full: number
  /** Per turn: what is on its way is gone, or is late. */
  readonly restart: number
  /** Per turn: a process dies. */
  readonly death: number
  /** Per turn: another owner, or writer, begins beside the one that works. */
  readonly takeover: number
}

/** A third of the faults is absent in any history, so that each also meets few others. */
export function weatherOf(chance: Chance): Weather {
  const rate = (most: number) => (chance.below(3) === 0 ? 0 : (most * (1 + chance.below(100))) / 100)
  return {
    lost: rate(0.3),
    late: rate(0.4),
    lost_answer: rate(0.4),
    unanswered: rate(0.2),
    stale: chance.below(4) === 0 ? rate(0.3) : 0,
    busy: rate(0.1),
    full: chance.below(4) === 0 ? rate(0.1) : 0,
    restart: rate(0.03),
    death: rate(0.06),
    takeover: rate(0.05),
  }
}
export const calm: Weather = {
  lost: 0,
  late: 0,
  lost_answer: 0,
  unanswered: 0,
  stale: 0,
  busy: 0,
  full: 0,
  restart: 0,
  death: 0,
  takeover: 0,
}
