import type { RpcFailure } from '../../runtime/define.ts'

/** What went wrong with a transaction, in the words of this project. */
export interface Trouble {
  /** Whether the same bytes may be sent again. */
  readonly retryable: boolean
  /** Whether the transaction may be in the hands of somebody who can put it into a block. */
  readonly funds_at_risk: boolean
  /** What has to happen before anything else is tried. */
  readonly next: string
}
const trouble = (retryable: boolean, funds_at_risk: boolean, next: string): Trouble => ({
  retryable,
  funds_at_risk,
  next,
})

export const troubles = {
  TRANSPORT_UNKNOWN: trouble(true, true, 'ask the chain for its hash; send the same bytes again; never plan anew'),
  UNREACHED: trouble(true, false, 'nothing was sent: send the same bytes again'),
  RATE_LIMIT: trouble(true, false, 'send the same bytes again after a rest, or to another endpoint'),
  ALREADY_KNOWN: trouble(true, true, 'it is there: wait for its block'),
  NONCE_LOW: trouble(false, true, 'ask the chain for its hash: it, or another with its nonce, is in a block'),
  NONCE_GAP: trouble(true, true, 'transactions with lower nonces are missing: send those again first'),
  UNDERPRICED: trouble(false, false, 'raise both fees within the cap, under the same nonce'),
  REPLACE_UNDERPRICED: trouble(false, true, 'raise both fees by 12.5 % over the one that is there'),
  POOL_FULL: trouble(true, false, 'send the same bytes again later, or raise both fees'),
  FUNDS: trouble(false, false, 'the account cannot pay for gas and value: stop and tell a person'),
  GAS_LIMIT: trouble(false, false, 'the gas it asks for is too little or too much: plan anew'),
  SIM_REVERT: trouble(false, false, 'it would fail on the chain: give it up with the reason'),
  CONFIG: trouble(false, false, 'a setting is wrong (chain, key, endpoint, cap of the node): stop and tell a person'),
  // What simulation and the chain say; no answer to sending does.
  SLIPPAGE: trouble(false, false, 'the price has moved past the bound: give it up'),
  DEADLINE: trouble(false, false, 'its time is over: give it up'),
  FOREIGN_NONCE: trouble(false, true, 'somebody else used the nonce: halt the signer'),
  REORG: trouble(true, true, 'its block was taken back: send the same bytes again'),
} as const satisfies Readonly<Record<string, Trouble>>
export type TroubleCode = keyof typeof troubles

/** How a node refused. Texts go before codes: Besu gives -32005 for too much gas, others for too many questions. */
export type Refusal =
  | { readonly type: 'json_rpc'; readonly code: number; readonly text: string }
  | { readonly type: 'http'; readonly status: number }

// Read in the sources of go-ethereum (core/txpool/errors.go, core/error.go), reth (RpcPoolError and
// RpcInvalidTransactionError), foundry (crates/anvil/src/eth/error, and its is_retryable for what providers say),
// Nethermind (AcceptTxResult: names until 2025, texts of Geth since), Besu (RpcErrorType), Erigon (DiscardReason;
// `INTERNAL_ERROR:` before it); OpenEthereum and Arbitrum from the table of chainlink (client/errors.go). 2026-11.
const texts: readonly (readonly [TroubleCode, RegExp])[] = [
  ['ALREADY_KNOWN', /already ?known|\bknown transaction|already ?imported|existing tx with same hash/],
  ['REPLACE_UNDERPRICED', /replacement transaction underpriced|replacementnotallowed|could not replace existing tx/],
  ['REPLACE_UNDERPRICED', /to replace existing transaction|another transaction with same nonce in the queue/],
  // Nethermind's OwnNonceAlreadyUsed: another transaction with this nonce was signed there; it is not this one.
  ['NONCE_LOW', /nonce (is )?too low|oldnonce|invalid transaction nonce|pool\(stale\)|ownnoncealreadyused/],
  ['NONCE_GAP', /nonce too high|noncegap|nonce is too distant|noncetoofarinfuture|gapped-nonce|lower nonce exists/],
  ['NONCE_GAP', /future transaction tries to replace pending|in-flight transaction limit reached/],
  ['FUNDS', /insufficient (funds|balance)|insufficientfunds|exceeds account balance|not enough funds|cause overdraft/],
  // Before prices: the words for a fee above the cap of a node speak of fees too.
  ['CONFIG', /exceeds the configured cap|fee cap exceeded|priority fee per gas (higher than|exceeds) max fee/],
  ['CONFIG', /chain ?id|signed for another chain|invalid sender|invalid signature|failedtoresolvesender/],
  ['CONFIG', /sender (is )?not an eoa|senderiscontract|not authorized|unauthorized|must be authenticated|api key/],
  ['CONFIG', /oversized data|negative value|transaction type|initcode|invalid rlp|rlptoolong|failed to decode/],
  ['GAS_LIMIT', /block gas limit|gaslimitexceeded|intrinsic ?gas|gas ?uint(64)? ?overflow|gas limit (reached|is)/],
  ['GAS_LIMIT', /transaction gas is too low|cost exceeds current gas limit|supplied gas is beyond limit/],
  ['UNDERPRICED', /underpriced|fee ?too ?low|gas price .*too low|below configured minimum gas price/],
  ['UNDERPRICED', /less than block base fee|below current base fee|fee below/],
  [
    'POOL_FULL',
    /txpool is full|(pool|queue) (is )?full|too many transactions in the queue|account limit exceeded|spammer/,
  ],
  ['SIM_REVERT', /execution reverted|vm execution error|would revert/],
  ['RATE_LIMIT', /rate limit|rate exceeded|too many requests|request limit reached|request count exceeded/],
  ['RATE_LIMIT', /compute units per second|rps limit|credits limited|limit exceeded|capacity exceeded/],
]
/** JSON-RPC codes that say it where the text does not: EIP-1474, and what providers borrow from HTTP. */
const codes: ReadonlyMap<number, TroubleCode> = new Map([
  [-32700, 'CONFIG'],
  [-32600, 'CONFIG'],
  [-32601, 'CONFIG'],
  [-32602, 'CONFIG'],
  [-32604, 'CONFIG'],
  [-32005, 'RATE_LIMIT'],
  [429, 'RATE_LIMIT'],
  [3, 'SIM_REVERT'],
])

/** What a node says of a transaction. Words that nobody knows leave open whether it was taken. */
export function classify(refusal: Refusal): TroubleCode {
  if (refusal.type === 'json_rpc') {
    const said = refusal.text.toLowerCase()
    return texts.find(([, words]) => words.test(said))?.[0] ?? codes.get(refusal.code) ?? 'TRANSPORT_UNKNOWN'
  }
  const { status } = refusal
  if (status === 429) return 'RATE_LIMIT'
  // A proxy that gave up waiting says nothing of the node behind it.
  return status >= 400 && status < 500 && status !== 408 && status !== 499 ? 'CONFIG' : 'TRANSPORT_UNKNOWN'
}

export function classifyFailure({ reason, code, message }: RpcFailure): TroubleCode {
  const spoken = reason === 'refused' || (reason === 'limited' && !message.startsWith('HTTP '))
  if (spoken) return classify({ type: 'json_rpc', code, text: message })
  return reason === 'unavailable' || reason === 'limited'
    ? classify({ type: 'http', status: code })
    : 'TRANSPORT_UNKNOWN'
}

/** Whether the node ran what was asked and it failed: an answer, which others would give too. */
export const isRevert = ({ reason, code, message, data }: RpcFailure): boolean =>
  reason === 'refused' &&
  (code === 3 ||
    (code === -32015 && typeof data === 'string') ||
    (code === -32000 && (isHex(data) || /revert/i.test(message))))
const isHex = (data: unknown): boolean => typeof data === 'string' && /^0x([0-9a-f]{2})+$/i.test(data)
