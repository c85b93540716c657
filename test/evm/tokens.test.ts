import { Signature } from 'ethers'
import { describe, expect, test } from 'vitest'
import { anvilBinary } from '../../testing/anvil.ts'
import { type HostileTokens, hostileTokens, type Listed, wrap } from '../../testing/hostile_tokens.ts'
import { balanceOf } from '../../testing/settled_trade.ts'
import type { DrivenExecutor } from './drive_executor.ts'
import { freshGround } from './fresh_ground.ts'
import { orderOf, paidOf } from './ground.ts'
import { untruths } from './truth.ts'

const unit = 10n ** 18n

describe.skipIf(anvilBinary() === undefined)('tokens and rights', () => {
  let tokens: HostileTokens
  let given = 0
  const fresh = freshGround(async ({ anvil, uniswap, account }) => {
    await anvil.rpc('evm_setAutomine', true)
    tokens = await hostileTokens(uniswap.deployer, uniswap)
    await wrap(uniswap.deployer, tokens.money.address, 500n * unit)
    await uniswap.deployer.receipt(await tokens.money.send('transfer', account, 400n * unit))
    await anvil.rpc('evm_setAutomine', false)
  })
  const held = (token: string) => balanceOf(fresh.ground.anvil, fresh.ground.account, token)

  const kinds = ['clean', 'taxed', 'honeypot', 'silent'] as const
  type Kind = (typeof kinds)[number]
  const keyOf = (kind: Kind) => `uniswap_v2:${kind}`
  function marketOf(kind: Kind, more: Readonly<Record<string, unknown>>) {
    const { money } = tokens
    const { token }: Listed = tokens[kind]
    const { router } = fresh.ground.uniswap.v2
    const taxed = kind === 'taxed'
    return {
      instrument: keyOf(kind),
      base: { address: token.address, decimals: kind === 'silent' ? 6 : 18 },
      quote: { address: money.address, decimals: 18 },
      venue: { name: 'uniswap_v2', router: router.address, path: [money.address], taxed },
      slippage: 0.45,
      ...(taxed && { exact: 'in' }),
      ...more,
    }
  }
  const drive = (more: Readonly<Record<string, unknown>> = {}) =>
    fresh.drive({ params: { markets: kinds.map((kind) => marketOf(kind, more)) } })
  async function traded(driven: DrivenExecutor, kind: Kind, side: 'buy' | 'sell', quantity: number) {
    const before = [await held(tokens[kind].token.address), await held(tokens.money.address)] as const
    const order = { ...orderOf({ key: keyOf(kind) }, given++, { side, quantity }), at: driven.clock.now() }
    await driven.take(order)
    await driven.ended()
    const after = [await held(tokens[kind].token.address), await held(tokens.money.address)] as const
    return { order, base: after[0] - before[0], quote: after[1] - before[1] }
  }

  test('a token that keeps a part of each transfer: the fill is what really came, the rest is told as cancelled', async () => {
    const driven = await drive()
    const bought = await traded(driven, 'taxed', 'buy', 10)
    expect(driven.last(bought.order)?.step).toBe('settled')
    const [fill] = driven.fills(bought.order)
    expect(fill?.quantity).toBe((bought.base + 5n * 10n ** 9n) / 10n ** 10n)
    expect(fill?.quantity).toBeLessThan(710_000_000n)
    expect(-bought.quote).toBe(10n * unit)
    expect(driven.updates(bought.order)).toEqual(['accepted', 'filled', 'cancelled'])

    const sold = await traded(driven, 'taxed', 'sell', 5)
    expect(-sold.base).toBe(5n * unit)
    expect(driven.fills(sold.order)[0]?.notional).toBe((sold.quote + 5n * 10n ** 9n) / 10n ** 10n)
    expect(driven.updates(sold.order)).toEqual(['accepted', 'filled'])
  })
  test('a bound that the tax breaks is refused before anything is sent', async () => {
    const driven = await drive({ slippage: 0.1 })
    const { order, base } = await traded(driven, 'taxed', 'buy', 10)
    expect([driven.last(order)?.code, base]).toEqual(['SIM_REVERT', 0n])
  })
  test.each(['taxed', 'honeypot'] as const)(
    'a %s token is not bought where buying and selling is tried',
    async (kind) => {
      const driven = await drive({ round_trip: 0.05 })
      const { order, base, quote } = await traded(driven, kind, 'buy', 10)
      expect(driven.last(order)).toMatchObject({ step: 'rejected', code: 'ROUND_TRIP' })
      expect([base, quote]).toEqual([0n, 0n])
    },
  )
  test('a honeypot is bought where it is not tried, and what cannot be sold is refused by code', async () => {
    const driven = await drive()
    const bought = await traded(driven, 'honeypot', 'buy', 10)
    expect(driven.last(bought.order)?.step).toBe('settled')
    expect(bought.base).toBe(10n * unit)
    const sold = await traded(driven, 'honeypot', 'sell', 5)
    expect(driven.last(sold.order)).toMatchObject({ step: 'rejected', code: 'SIM_REVERT' })
    expect(sold.base).toBe(0n)
  })
  test('a fair token is bought where it is tried, and where no node can try it nothing is', async () => {
    const driven = await drive({ round_trip: 0.05 })
    const fair = await traded(driven, 'clean', 'buy', 10)
    expect([driven.last(fair.order)?.step, fair.base]).toEqual(['settled', 10n * unit])
    fresh.ground.proxy.meets = (method) =>
      method === 'eth_simulateV1'
        ? { type: 'error', code: -32601, message: 'the method eth_simulateV1 does not exist', when: 'before' }
        : undefined
    const untried = await traded(driven, 'clean', 'buy', 10)
    expect([driven.last(untried.order)?.code, untried.base]).toEqual(['ROUND_TRIP', 0n])
  })
  test('a token without return values is bought and sold', async () => {
    const driven = await drive()
    const bought = await traded(driven, 'silent', 'buy', 10)
    expect([driven.last(bought.order)?.step, bought.base]).toEqual(['settled', 10_000_000n])
    const sold = await traded(driven, 'silent', 'sell', 4)
    expect([driven.last(sold.order)?.step, -sold.base]).toEqual(['settled', 4_000_000n])
  })
  test('a token that wants a right forgotten before it is another: asked to forget it first', async () => {
    const { wallet, account, anvil, uniswap, proxy } = fresh.ground
    const { token } = tokens.silent
    await token.send('transfer', account, 20_000_000n)
    const raw = await wallet.signTransaction({
      ...{ type: 2, chainId: anvil.chain_id, nonce: 0, to: token.address, value: 0n, gasLimit: 100_000n },
      ...{ maxFeePerGas: 10n ** 11n, maxPriorityFeePerGas: 10n ** 9n },
      data: token.abi.encodeFunctionData('approve', [uniswap.v2.router.address, 5_000_000n]),
    })
    await proxy.answer('eth_sendRawTransaction', [raw])
    await proxy.mine()
    const driven = await drive()
    const sold = await traded(driven, 'silent', 'sell', 10)
    expect([driven.last(sold.order)?.step, -sold.base]).toEqual(['settled', 10_000_000n])
    expect(helpers(driven)).toBe(2)
  })

  /** Sets the right of the router over token 0 by a signature that somebody hands in (EIP-2612): no nonce is used. */
  async function permit(value: bigint, nonce: number): Promise<void> {
    const { uniswap, wallet, account, anvil } = fresh.ground
    const [token] = uniswap.tokens
    const domain = { name: 'Uniswap V2', version: '1', chainId: anvil.chain_id, verifyingContract: token.address }
    const uint = (name: string) => ({ name, type: 'uint256' })
    const address = (name: string) => ({ name, type: 'address' })
    const types = { Permit: [address('owner'), address('spender'), uint('value'), uint('nonce'), uint('deadline')] }
    const [owner, spender, deadline] = [account, uniswap.v2.router.address, 2n ** 48n]
    const text = await wallet.signTypedData(domain, types, { owner, spender, value, nonce, deadline })
    const { v, r, s } = Signature.from(text)
    const data = token.abi.encodeFunctionData('permit', [owner, spender, value, deadline, v, r, s])
    const hex = (of: bigint) => `0x${of.toString(16)}`
    await anvil.rpc('eth_sendTransaction', {
      ...{ from: uniswap.deployer.account, to: token.address, data, gas: '0x30d40' },
      ...{ maxFeePerGas: hex(500n * 10n ** 9n), maxPriorityFeePerGas: hex(200n * 10n ** 9n) },
    })
  }
  const allowed = async () => {
    const { uniswap, account } = fresh.ground
    return BigInt(String((await uniswap.tokens[0].call('allowance', account, uniswap.v2.router.address))[0]))
  }
  const helpers = (driven: DrivenExecutor) =>
    [...driven.book().all()].filter(({ intent }) => intent.purpose === 'allowance').length

  test('a right that was taken back before the next order is given again', async () => {
    const driven = await fresh.drive()
    await driven.order(1)
    await driven.ended()
    await permit(0n, 0)
    await fresh.ground.proxy.mine()
    expect(await allowed()).toBe(0n)
    const order = await driven.order(2)
    await driven.ended()
    expect(driven.last(order)?.step).toBe('settled')
    expect(helpers(driven)).toBe(2)
    expect(await untruths(fresh.ground, driven)).toEqual([])
  })
  test('a right that is taken back between plan and block: the trade reverts, and the next asks for it again', async () => {
    const driven = await fresh.drive()
    await driven.order(1)
    await driven.ended()
    const order = await driven.order(2)
    await driven.stepped(order, 'sent', { blocks: 0 })
    await permit(0n, 0)
    await driven.ended()
    expect(driven.last(order)).toMatchObject({ step: 'reverted' })
    expect(driven.updates(order)).toEqual(['accepted', 'cancelled'])
    const next = await driven.order(3)
    await driven.ended()
    expect(driven.last(next)?.step).toBe('settled')
    expect(await untruths(fresh.ground, driven)).toEqual([])
    expect((await fresh.ground.swaps()).map(({ paid }) => paid)).toEqual([paidOf(1), paidOf(3)])
  })
  test('exact rights: each order asks for its own, and orders under way are covered together', async () => {
    const driven = await fresh.drive({ params: { grant: 'exact' } })
    const orders = [await driven.order(1), await driven.order(2), await driven.order(3)]
    await driven.ended()
    expect(orders.map((order) => driven.last(order)?.step)).toEqual(['settled', 'settled', 'settled'])
    expect(await untruths(fresh.ground, driven)).toEqual([])
    expect(await allowed()).toBeLessThan(3n * paidOf(3))
  })
})
