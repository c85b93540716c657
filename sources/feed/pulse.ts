/**
 * How far event time has surely come on a connection that says nothing.
 *
 * The claim is `heard - offset - lag`. `heard` is the local time of the last sign of life: a connection is ordered, so
 * all that the peer sent before it has been received, and a connection that hangs claims nothing. `offset` is the largest
 * local time minus event time of the last one to two minutes of trades (latency and clock skew together), never below 0.
 * `lag` covers what may be slower yet. Without any trade there is no offset, and no claim.
 */
export class Pulse {
  private readonly lag: number
  private heard = Number.NEGATIVE_INFINITY
  private worst = Number.NEGATIVE_INFINITY
  private worstBefore = Number.NEGATIVE_INFINITY
  private turned = Number.NEGATIVE_INFINITY

  constructor(lag: number) {
    this.lag = lag
  }

  /** A trade of time `eventTime` came at local time `at`. */
  trade(at: number, eventTime: number): void {
    if (at - this.turned >= 60e6) {
      this.worstBefore = this.worst
      this.worst = Number.NEGATIVE_INFINITY
      this.turned = at
    }
    this.worst = Math.max(this.worst, at - eventTime)
    this.heard = at
  }

  alive(at: number): void {
    this.heard = at
  }

  /** Event time that has surely passed, -Infinity when nothing is known. */
  passed(): number {
    const offset = Math.max(this.worst, this.worstBefore)
    return Number.isFinite(offset) ? Math.floor(this.heard - Math.max(0, offset) - this.lag) : Number.NEGATIVE_INFINITY
  }
}
