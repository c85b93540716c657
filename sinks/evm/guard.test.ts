import { Interface } from 'ethers'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { objection } from './guard.ts'
import { Address, type Hex } from './hex.ts'
import type { Market } from './market.ts'
import { universalRouter } from './venues/universal_router.ts'

const address = (n: number): Address => Address.parse(`0x${n.toString(16).padStart(40, '0')}`)
const [base, quote, router, permit2, own, stranger] = [1, 2, 3, 4, 5, 6].map(address) as [
  ...[Address, Address, Address, Address, Address, Address],
]
const token = (of: Address) => ({ address: of, decimals: 18, native: false })
const params = {
  ...{ router, permit2, wrapped: quote, v2_factory: address(7) },
  routes: [{ hops: [{ protocol: 'uniswap_v2' as const, out: quote }] }],
}
const market: Market = {
  ...{ key: 'venue:here', base: token(base), quote: token(quote), slippage: 0, exact: 'by_side' },
  ...{ base_decimals: 18, quote_decimals: 18, coin: 'neither' },
  venue: universalRouter.open(z.parse(universalRouter.params, params)),
}
const abi = new Interface(['function approve(address, uint256)', 'function transfer(address, uint256)'])
const permit = new Interface(['function approve(address, address, uint160, uint48)'])
const approve = (spender: Address) => abi.encodeFunctionData('approve', [spender, 1]) as Hex
const permitted = (of: Address, spender: Address) => permit.encodeFunctionData('approve', [of, spender, 1, 1]) as Hex
const transfer = abi.encodeFunctionData('transfer', [stranger, 1]) as Hex
const call = (to: Address, data: Hex, value = 0n) => ({ to, data, value })

describe('what may be signed', () => {
  test.each([
    ['a trade at the router', 'trade', call(router, '0x1234', 5n)],
    ['a right for a contract of the market over its token', 'allowance', call(base, approve(permit2))],
    ['a right by Permit2', 'allowance', call(permit2, permitted(quote, router))],
    ['a payment of nothing to oneself', 'cancel', call(own, '0x')],
  ] as const)('%s', (_what, purpose, of) => {
    expect(objection(of, purpose, market, own)).toBeUndefined()
  })
})
describe('what may not', () => {
  test.each([
    ['a trade elsewhere', 'trade', call(stranger, '0x1234')],
    ['a trade at a token', 'trade', call(base, transfer)],
    ['a right for a stranger', 'allowance', call(base, approve(stranger))],
    ['a right over a token of no market', 'allowance', call(stranger, approve(router))],
    ['a transfer in place of a right', 'allowance', call(base, transfer)],
    ['a right that costs coins', 'allowance', call(base, approve(router), 1n)],
    ['a right by Permit2 for a stranger', 'allowance', call(permit2, permitted(base, stranger))],
    ['a right by Permit2 over another token', 'allowance', call(permit2, permitted(stranger, router))],
    ['a cancellation that pays somebody', 'cancel', call(stranger, '0x')],
    ['a cancellation that pays', 'cancel', call(own, '0x', 1n)],
    ['a cancellation that calls', 'cancel', call(own, '0x12')],
  ] as const)('%s', (_what, purpose, of) => {
    expect(objection(of, purpose, market, own)).toEqual(expect.any(String))
  })
})
