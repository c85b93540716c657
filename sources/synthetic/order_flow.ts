import { Prng } from './prng.ts'

/** The constants of the model, as bench/calibrate.ts fits them. Lengths of moves are logs of a fraction of the price. */
export interface OrderFlow {
  /**
   * Orders arrive as a Hawkes process: per second of themselves, and in the wake of others. An order has so many
   * children on average, more if it made several trades; the excitement it leaves decays so fast per second.
   */
  readonly arrivals: {
    readonly base: number
    readonly children: number
    readonly children_of_many: number
    readonly decay: number
  }
  /** Trades an order makes: one with a probability that is lower after an order of many, else log-normal, with memory. */
  readonly trades: {
    readonly single: number
    readonly single_after_many: number
    readonly log_mean: number
    readonly log_std: number
    readonly memory: number
  }
  /** An order repeats the side before it, or follows a mood that drifts from buying to selling and back. */
  readonly side: { readonly repeat: number; readonly mood_std: number; readonly mood_keep: number }
  /** An order walks to the next level of the book between two of its trades; later the book refills a part of the way. */
  readonly walk: {
    readonly step: number
    readonly one_tick: number
    readonly log_mean: number
    readonly log_std: number
    readonly refill: number
  }
  /** Between two orders the quotes move without a trade. */
  readonly revision: {
    readonly chance: number
    readonly one_tick: number
    readonly log_mean: number
    readonly log_std: number
    readonly scale: number
  }
  /** Sizes in lots: round lots by their share, the rest one of two log-normals. */
  readonly size: {
    readonly lots: readonly (readonly [lots: number, share: number])[]
    readonly small: number
    readonly small_log_mean: number
    readonly small_log_std: number
    readonly large_log_mean: number
    readonly large_log_std: number
    readonly largest: number
  }
}

/** Refused above this: one order cannot move the price by more than half a percent a level. */
const largestMove = 0.005
/** The most trades one order makes. */
const mostTrades = 500

/** The power of ten that takes a price to a whole number of ticks of seven digits, as exchanges choose their ticks. */
function ticksPerUnit(price: number): number {
  let ticks = 1
  while (price * ticks < 1e6) ticks *= 10
  return ticks
}
/** Lots of about the value that the recorded markets count in: 0.1 to 1 quote units. */
function lotsPerUnit(price: number): number {
  let lots = 1
  while (price / lots >= 1) lots *= 10
  return lots
}

/** One instrument: orders arrive, take one or more levels of a book with a spread of one tick, and leave it moved. */
export class Market {
  /** Event time of the order, µs; whole ms, as the recorded venue stamps. */
  at: number
  side: -1 | 1 = 1
  /** Trades of the order: the first `count` prices and sizes. */
  count = 0
  readonly prices = new Float64Array(mostTrades)
  readonly sizes = new Float64Array(mostTrades)
  /** Trades before this order. */
  before = 0

  private readonly chance: Prng
  private readonly flow: OrderFlow
  private readonly volatility: number
  private readonly ticks: number
  private readonly lots: number
  private exact: number
  private bid: number
  private excitement = 0
  private mood = 0
  private many = false
  /** How large the last order of many was, in standard deviations. */
  private large = 0

  constructor(
    flow: OrderFlow,
    of: {
      readonly seed: number
      readonly stream: number
      readonly start: number
      readonly price: number
      readonly volatility: number
    },
  ) {
    this.flow = flow
    this.chance = new Prng(of.seed, of.stream)
    this.volatility = of.volatility
    this.ticks = ticksPerUnit(of.price)
    this.lots = lotsPerUnit(of.price)
    this.bid = Math.round(of.price * this.ticks)
    this.exact = of.start
    this.at = of.start
    this.mood = flow.side.mood_std * this.chance.normal()
    this.next()
  }

  /** Goes on to the next order. */
  next(): void {
    const { chance, flow } = this
    this.before += this.count
    this.exact += this.wait() * 1e6
    this.at = Math.floor(this.exact / 1000) * 1000
    if (chance.uniform() < flow.revision.chance) {
      const move = this.move(flow.revision.one_tick, flow.revision.log_mean, flow.revision.log_std, flow.revision.scale)
      this.shift(chance.uniform() < 0.5 ? -move : move)
    }
    this.side = this.nextSide()
    this.fill()
  }

  /** Seconds to the next order: exact sampling of a Hawkes process (Dassios and Zhao, 2013, algorithm 1). */
  private wait(): number {
    const { base, children, children_of_many, decay } = this.flow.arrivals
    const quiet = -Math.log(this.chance.uniform()) / base
    let wait = quiet
    this.excitement += (this.many ? children_of_many : children) * decay
    if (this.excitement > 0) {
      const d = 1 + (decay * Math.log(this.chance.uniform())) / this.excitement
      if (d > 0) wait = Math.min(quiet, -Math.log(d) / decay)
    }
    this.excitement *= Math.exp(-decay * wait)
    return wait
  }

  private nextSide(): -1 | 1 {
    const { repeat, mood_std, mood_keep } = this.flow.side
    const { chance } = this
    this.mood = mood_keep * this.mood + mood_std * Math.sqrt(1 - mood_keep * mood_keep) * chance.normal()
    if (chance.uniform() < repeat) return this.side
    return 2 * chance.uniform() - 1 < this.mood ? 1 : -1
  }

  private fill(): void {
    const { chance, flow, prices, sizes, side } = this
    const count = this.nextCount()
    const best = side > 0 ? this.bid + 1 : this.bid
    let level = best
    for (let i = 0; i < count; i++) {
      if (i > 0 && chance.uniform() < flow.walk.step)
        level += side * this.move(flow.walk.one_tick, flow.walk.log_mean, flow.walk.log_std, 1)
      prices[i] = level / this.ticks
      sizes[i] = this.lotsOfTrade() / this.lots
    }
    this.count = count
    this.shift(Math.round((level - best) * (1 - flow.walk.refill)))
  }

  private nextCount(): number {
    const { single, single_after_many, log_mean, log_std, memory } = this.flow.trades
    const after = this.many
    this.many = this.chance.uniform() >= (after ? single_after_many : single)
    if (!this.many) return 1
    const normal = this.chance.normal()
    this.large = after ? memory * this.large + Math.sqrt(1 - memory * memory) * normal : normal
    return Math.min(mostTrades, 2 + Math.floor(Math.exp(log_mean + log_std * this.large)))
  }

  /** Ticks of one move of the price: one, or a log-normal fraction of the price. */
  private move(oneTick: number, logMean: number, logStd: number, scale: number): number {
    if (this.chance.uniform() < oneTick) return 1
    const fraction = Math.exp(logMean + logStd * this.chance.normal()) * scale * this.volatility
    return Math.max(1, Math.round(this.bid * Math.min(fraction, largestMove)))
  }
  private shift(ticks: number): void {
    // Far from 0, so that a price stays a price whatever the seed.
    this.bid = Math.max(1000, this.bid + ticks)
  }

  private lotsOfTrade(): number {
    const { size } = this.flow
    let share = this.chance.uniform()
    for (const [lots, of] of size.lots) {
      if (share < of) return lots
      share -= of
    }
    const normal = this.chance.normal()
    const small = this.chance.uniform() < size.small
    const log = small
      ? size.small_log_mean + size.small_log_std * normal
      : size.large_log_mean + size.large_log_std * normal
    return Math.min(size.largest, Math.max(1, Math.round(Math.exp(log))))
  }
}
