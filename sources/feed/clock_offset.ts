/** How far the local clock is ahead of the venue's, latency included: the least difference of the last one to two minutes. */
export class ClockOffset {
  private least = Number.POSITIVE_INFINITY
  private leastBefore = Number.POSITIVE_INFINITY
  private turned = Number.NEGATIVE_INFINITY
  private told: number | undefined

  take(received: number, at: number): void {
    if (received - this.turned >= 60e6) {
      this.leastBefore = this.least
      this.least = Number.POSITIVE_INFINITY
      this.turned = received
    }
    const offset = received - at
    if (offset < this.least) this.least = offset
  }

  /** The estimate, where it has moved by a quarter of a second since it was last told, or never was. */
  news(): number | undefined {
    const now = Math.min(this.least, this.leastBefore)
    if (!Number.isFinite(now) || (this.told !== undefined && Math.abs(now - this.told) < 250e3)) return undefined
    this.told = now
    return now
  }
}
