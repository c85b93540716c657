/** A place where what should be one is two. */
export interface Finding {
  readonly code: FindingCode
  readonly what: string
  readonly expected: string
  readonly found: string
  /** `by_itself`: the next run, or the one going on, takes it up; `by_hand`: somebody has to look. */
  readonly mends: 'by_itself' | 'by_hand'
}

/** What reconciling can find, and what mends it. */
export const findingCodes = {
  SIGNER_HALTED: 'by_hand',
  UNDER_WAY: 'by_itself',
  NOT_YET_NOTED: 'by_itself',
  OTHER_BLOCK: 'by_itself',
  NOT_IN_CHAIN: 'by_hand',
  RECEIPT_DIFFERS: 'by_hand',
  ENDED_YET_EXECUTED: 'by_hand',
  LOST: 'by_hand',
  FOREIGN_NONCE: 'by_hand',
  FOREIGN_PENDING: 'by_hand',
  NONCE_FREE: 'by_hand',
  BALANCE_DIFFERS: 'by_hand',
  MARKET_UNKNOWN: 'by_hand',
  ORDER_NOT_TAKEN: 'by_itself',
  ORDER_NOT_IN_LOG: 'by_hand',
  FILL_NOT_TOLD: 'by_itself',
  FILL_NOT_IN_JOURNAL: 'by_hand',
  FILL_DIFFERS: 'by_hand',
} as const satisfies Readonly<Record<string, Finding['mends']>>
export type FindingCode = keyof typeof findingCodes

export const finding = (
  code: FindingCode,
  what: string,
  expected: string | number | bigint,
  found: string | number | bigint,
): Finding => ({ code, what, expected: String(expected), found: String(found), mends: findingCodes[code] })
export const agrees = (findings: readonly Finding[]): boolean => findings.every(({ mends }) => mends === 'by_itself')
