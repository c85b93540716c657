import { describe, expect, test } from 'vitest'
import { RpcFailure } from '../../runtime/define.ts'
import { classify, classifyFailure, isRevert, type TroubleCode, troubles } from './taxonomy.ts'

const said: readonly (readonly [client: string, code: number, text: string, expected: TroubleCode])[] = [
  ['geth', -32000, 'already known', 'ALREADY_KNOWN'],
  ['geth, old', -32000, 'known transaction: 7f657507aee0511e36d2d1972a6b22e917cc89f92b6c12c4', 'ALREADY_KNOWN'],
  ['geth', -32000, 'nonce too low: next nonce 82, tx nonce 81', 'NONCE_LOW'],
  ['geth', -32000, 'nonce too high: address 0x336394A3219e71D9d9bd18201d34E95C1Bb7122C, tx: 8 state: 5', 'NONCE_GAP'],
  ['geth', -32000, 'future transaction tries to replace pending', 'NONCE_GAP'],
  ['geth', -32000, 'gapped-nonce tx from delegated accounts', 'NONCE_GAP'],
  ['geth', -32000, 'in-flight transaction limit reached for delegated accounts', 'NONCE_GAP'],
  ['geth', -32000, 'transaction underpriced: gas tip cap 1, minimum needed 1000000', 'UNDERPRICED'],
  ['geth', -32000, 'max fee per gas less than block base fee: maxFeePerGas: 1, baseFee: 875000000', 'UNDERPRICED'],
  ['geth', -32000, 'replacement transaction underpriced: new tx gas fee cap 2 <= 3 queued', 'REPLACE_UNDERPRICED'],
  ['geth', -32000, 'insufficient funds for gas * price + value: balance 1, tx cost 2, overshot 1', 'FUNDS'],
  ['geth', -32000, 'transaction would cause overdraft', 'FUNDS'],
  ['geth', -32000, 'exceeds block gas limit', 'GAS_LIMIT'],
  ['geth', -32000, 'intrinsic gas too low: gas 20000, minimum needed 21000', 'GAS_LIMIT'],
  ['geth', -32000, 'txpool is full', 'POOL_FULL'],
  ['geth', -32000, 'account limit exceeded', 'POOL_FULL'],
  ['geth', -32000, 'invalid sender', 'CONFIG'],
  ['geth', -32000, 'invalid chain id for signer: have 1 want 5', 'CONFIG'],
  ['geth', -32000, 'tx fee (1.10 ether) exceeds the configured cap (1.00 ether)', 'CONFIG'],
  ['geth', -32000, 'max priority fee per gas higher than max fee per gas', 'CONFIG'],
  ['geth', 3, 'execution reverted: Too little received', 'SIM_REVERT'],
  ['anvil', -32003, 'transaction already imported', 'ALREADY_KNOWN'],
  ['anvil', -32003, 'replacement transaction underpriced', 'REPLACE_UNDERPRICED'],
  ['anvil', -32003, 'max fee per gas less than block base fee', 'UNDERPRICED'],
  ['anvil', -32003, 'Insufficient funds for gas * price + value', 'FUNDS'],
  ['anvil', -32003, 'intrinsic gas too high -- CallGasCostMoreThanGasLimit', 'GAS_LIMIT'],
  ['anvil', -32000, 'Unknown transaction type not supported', 'CONFIG'],
  ['anvil', -32602, 'Failed to decode transaction', 'CONFIG'],
  ['reth', -32000, 'already known', 'ALREADY_KNOWN'],
  ['reth', -32003, 'insufficient funds for gas * price + value: have 1 want 2', 'FUNDS'],
  ['nethermind, old', -32010, 'AlreadyKnown', 'ALREADY_KNOWN'],
  ['nethermind, old', -32010, 'OldNonce, Current nonce: 22, nonce of rejected tx: 17', 'NONCE_LOW'],
  ['nethermind, old', -32010, 'OwnNonceAlreadyUsed', 'NONCE_LOW'],
  ['nethermind, old', -32010, 'NonceGap, Future nonce. Expected nonce: 10', 'NONCE_GAP'],
  ['nethermind, old', -32010, 'FeeTooLow, EffectivePriorityFeePerGas too low 10 < 20, BaseFee: 30', 'UNDERPRICED'],
  ['nethermind, old', -32010, 'FeeTooLowToCompete', 'UNDERPRICED'],
  ['nethermind, old', -32010, 'ReplacementNotAllowed', 'REPLACE_UNDERPRICED'],
  ['nethermind, old', -32010, 'InsufficientFunds, Account balance: 4, cumulative cost: 22', 'FUNDS'],
  ['nethermind, old', -32010, 'GasLimitExceeded, Gas limit: 3, gas limit of rejected tx: 4', 'GAS_LIMIT'],
  ['nethermind, old', -32010, 'SenderIsContract', 'CONFIG'],
  ['erigon', -32000, 'ALREADY_EXISTS: already known', 'ALREADY_KNOWN'],
  ['erigon', -32000, 'INTERNAL_ERROR: existing tx with same hash', 'ALREADY_KNOWN'],
  ['erigon', -32000, 'INTERNAL_ERROR: could not replace existing tx', 'REPLACE_UNDERPRICED'],
  ['erigon', -32000, 'INTERNAL_ERROR: insufficient funds', 'FUNDS'],
  ['erigon', -32000, 'INTERNAL_ERROR: nonce too low', 'NONCE_LOW'],
  ['erigon', -32000, 'underpriced', 'UNDERPRICED'],
  ['erigon', -32000, 'fee too low', 'UNDERPRICED'],
  ['erigon', -32000, 'baseFee sub-pool is full', 'POOL_FULL'],
  ['erigon', -32000, 'IntrinsicGas', 'GAS_LIMIT'],
  ['besu', -32000, 'Known transaction', 'ALREADY_KNOWN'],
  ['besu', -32001, 'Nonce too low', 'NONCE_LOW'],
  ['besu', -32000, 'Transaction nonce is too distant from current sender nonce', 'NONCE_GAP'],
  ['besu', -32000, 'An invalid transaction with a lower nonce exists', 'NONCE_GAP'],
  ['besu', -32000, 'Replacement transaction underpriced', 'REPLACE_UNDERPRICED'],
  ['besu', -32009, 'Gas price below current base fee', 'UNDERPRICED'],
  ['besu', -32009, 'Gas price below configured minimum gas price', 'UNDERPRICED'],
  ['besu', -32004, 'Upfront cost exceeds account balance', 'FUNDS'],
  ['besu', -32003, 'Intrinsic gas exceeds gas limit', 'GAS_LIMIT'],
  ['besu: no rate limit, for all its code', -32005, 'Transaction gas limit exceeds block gas limit', 'GAS_LIMIT'],
  ['besu', -32007, 'Sender account not authorized to send transactions', 'CONFIG'],
  ['besu', -32000, 'Wrong chainId', 'CONFIG'],
  ['besu', -32000, 'Transaction fee cap exceeded', 'CONFIG'],
  ['besu', -32603, 'Timeout expired', 'TRANSPORT_UNKNOWN'],
  ['arbitrum', -32000, 'sequencer pending tx pool full, please try again', 'POOL_FULL'],
  ['arbitrum', -32000, 'gas price too low', 'UNDERPRICED'],
  ['alchemy', 429, 'Your app has exceeded its compute units per second capacity.', 'RATE_LIMIT'],
  ['infura', -32005, 'daily request count exceeded, request rate limited', 'RATE_LIMIT'],
  ['quicknode', -32007, '50/second request limit reached - reduce calls per second', 'RATE_LIMIT'],
  ['chainstack', -32005, "You've exceeded the RPS limit available on the current plan.", 'RATE_LIMIT'],
  ['alchemy', -32600, 'Must be authenticated!', 'CONFIG'],
  ['anybody', -32601, 'the method eth_sendRawTransaction does not exist/is not available', 'CONFIG'],
  ['anybody', -32603, 'Internal error', 'TRANSPORT_UNKNOWN'],
  ['nobody', -32000, 'the moon is in the wrong place', 'TRANSPORT_UNKNOWN'],
]

describe('what a node says of a transaction', () => {
  test.each(said)('%s (%i): %s', (_client, code, text, expected) => {
    expect(classify({ type: 'json_rpc', code, text })).toBe(expected)
    expect(
      classifyFailure(new RpcFailure(code === -32005 || code === 429 ? 'limited' : 'refused', text, { code })),
    ).toBe(expected)
  })

  test.each([
    [429, 'RATE_LIMIT'],
    [401, 'CONFIG'],
    [403, 'CONFIG'],
    [404, 'CONFIG'],
    [413, 'CONFIG'],
    [408, 'TRANSPORT_UNKNOWN'],
    [499, 'TRANSPORT_UNKNOWN'],
    [500, 'TRANSPORT_UNKNOWN'],
    [502, 'TRANSPORT_UNKNOWN'],
    [504, 'TRANSPORT_UNKNOWN'],
    [524, 'TRANSPORT_UNKNOWN'],
  ] as const)('HTTP %i is %s', (status, expected) => {
    expect(classify({ type: 'http', status })).toBe(expected)
    const reason = status === 429 ? 'limited' : 'unavailable'
    expect(classifyFailure(new RpcFailure(reason, `HTTP ${status}`, { code: status }))).toBe(expected)
  })

  test.each(['timeout', 'unreachable', 'not_json', 'malformed', 'oversized'] as const)(
    'whether it was taken is unknown after %s',
    (reason) => expect(classifyFailure(new RpcFailure(reason, 'already known'))).toBe('TRANSPORT_UNKNOWN'),
  )
})

test('where funds may be at risk, nothing is planned anew', () => {
  for (const [code, { funds_at_risk, next }] of Object.entries(troubles))
    if (funds_at_risk) expect(`${code}: ${next}`).not.toContain(': plan anew')
  expect(troubles.TRANSPORT_UNKNOWN).toMatchObject({ funds_at_risk: true, retryable: true })
})

test.each([
  [true, 3, 'execution reverted', undefined],
  [true, -32000, 'execution reverted', undefined],
  [true, -32000, 'whatever', '0x08c379a0'],
  [true, -32015, 'VM execution error.', 'Reverted 0x'],
  [false, -32000, 'header not found', undefined],
  [false, -32000, 'missing trie node', '0x'],
  [false, -32601, 'the method does not exist', undefined],
])('a revert is an answer (%s): %i %s', (expected, code, message, data) => {
  expect(isRevert(new RpcFailure('refused', message, { code, data }))).toBe(expected)
})
