import type { Clock } from '../../runtime/define.ts'

/** Refusals that no state of the chain can change. */
const BY_ITSELF: ReadonlySet<string> = new Set(['AMOUNT_ZERO', 'AMOUNT_TOO_LARGE', 'NO_PLAN'])

/** Why orders are not signed yet: told once for each reason, and believed only when it lasts. */
export class Hesitations {
  private readonly waits = new Map<string, string>()
  private readonly refusals = new Map<string, { readonly code: string; readonly at: number }>()
  private readonly parts: { readonly clock: Clock; readonly notice: (text: string) => void; readonly lasts: number }

  /** @param parts `lasts`: µs after which a refusal that is given again counts */
  constructor(parts: Hesitations['parts']) {
    this.parts = parts
  }

  /** An order waits. */
  wait(id: string, why: string): void {
    if (this.waits.get(id) !== why) this.parts.notice(`${id} waits: ${why}`)
    this.waits.set(id, why)
  }

  /** Whether a refusal is to be asked for again: one that rests on what the chain said, by a node that may be behind. */
  doubts(id: string, code: string): boolean {
    if (BY_ITSELF.has(code)) return false
    const now = this.parts.clock.now()
    const before = this.refusals.get(id)
    if (before?.code === code) return now - before.at < this.parts.lasts
    this.refusals.set(id, { code, at: now })
    return true
  }

  /** Something has happened to an order. */
  forget(id: string): void {
    this.waits.delete(id)
    this.refusals.delete(id)
  }
}
