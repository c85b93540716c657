/** Whether a fault comes before the node has taken what was asked, or after. */
export type Moment = 'before' | 'after'
/** What a question to a node meets. */
export type NodeFault =
  /** The connection ends without an answer. */
  | { readonly type: 'dies'; readonly when: Moment }
  /** No answer, ever. */
  | { readonly type: 'hang'; readonly when: Moment }
  | { readonly type: 'status'; readonly status: number; readonly when: Moment }
  /** A page of a proxy in the way, with the status of success. */
  | { readonly type: 'html'; readonly when: Moment }
  | { readonly type: 'late'; readonly ms: number }
  | { readonly type: 'error'; readonly code: number; readonly message: string; readonly when: Moment }
  /** Handed to the node twice, as by a balancer that tries again; the second answer is often an error. */
  | { readonly type: 'duplicate'; readonly answer: 'first' | 'second' }
  /** A read, answered by a node that is blocks behind. */
  | { readonly type: 'stale'; readonly blocks: number }
  /** What another machine behind the same name says. */
  | { readonly type: 'says'; readonly result: unknown }
  /** `eth_getTransactionCount` is off by so many. */
  | { readonly type: 'wrong_nonce'; readonly by: number }
export type MeetsFault = (method: string, params: readonly unknown[]) => NodeFault | undefined

export type Asked = 'send' | 'nonce' | 'read'
/** What a method is to faults: `read` is all that is neither of the others. */
export const askedBy = (method: string): Asked => {
  if (/^eth_send(Raw|Private)Transaction$/.test(method)) return 'send'
  return method === 'eth_getTransactionCount' ? 'nonce' : 'read'
}
export interface Chance {
  readonly of: Asked | 'any'
  /** From 0 to 1; those that befall one method add up to 1 at most. */
  readonly chance: number
  readonly fault: NodeFault
}

/** Faults by chance: one number of `random` for each question. Reads of the nonce are reads as well. */
export const byChance =
  (chances: readonly Chance[], random: () => number): MeetsFault =>
  (method) => {
    const asked = askedBy(method)
    let left = random()
    for (const { of, chance, fault } of chances) {
      if (of !== 'any' && of !== asked && !(of === 'read' && asked === 'nonce')) continue
      if (left < chance) return fault
      left -= chance
    }
    return undefined
  }

/** How often things happened, questions of a batch one by one. */
export interface Counts {
  sends: number
  /** Handed to the node, each duplicate counted. */
  forwarded: number
  /** Sends that never got to the node. */
  dropped_before: number
  /** Sends the node took, whose answer the client never saw. */
  dropped_after: number
  duplicates: number
  reads: number
  /** Reads without a true answer, of which there are: */
  faulty_reads: number
  stale_reads: number
  wrong_nonces: number
}
export const noCounts = (): Counts => ({
  sends: 0,
  forwarded: 0,
  dropped_before: 0,
  dropped_after: 0,
  duplicates: 0,
  reads: 0,
  faulty_reads: 0,
  stale_reads: 0,
  wrong_nonces: 0,
})
