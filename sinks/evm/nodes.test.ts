import { Transaction, Wallet } from 'ethers'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { wallClock } from '../../runtime/clock.ts'
import { type Endpoint, pause, RpcFailure } from '../../runtime/define.ts'
import { type Anvil, anvilBinary, startAnvil } from '../../testing/anvil.ts'
import { type RpcFault, type RpcProxy, startRpcProxy } from '../../testing/rpc_proxy.ts'
import type { Hex } from './hex.ts'
import { Nodes, type NodesSettings } from './nodes.ts'

const endpoint = (label: string, http: string): Endpoint => ({ label, ws: undefined, http })
/** Anvil's first account, the same everywhere. */
const wallet = new Wallet('0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80')
const always =
  (fault: RpcFault, ...methods: readonly string[]) =>
  (method: string) =>
    methods.length === 0 || methods.includes(method) ? fault : undefined
const chainOnly = (fault: RpcFault) => (method: string) => (method === 'eth_chainId' ? undefined : fault)

describe.skipIf(anvilBinary() === undefined)('nodes of a chain', () => {
  let anvil: Anvil
  let [a, b, relay]: RpcProxy[] = []
  let snapshot: unknown
  const notices: string[] = []
  const opened: Nodes[] = []
  beforeAll(async () => {
    anvil = await startAnvil()
    await anvil.rpc('evm_setAutomine', false)
  })
  afterAll(async () => anvil?.close())
  beforeEach(async () => {
    ;[a, b, relay] = await Promise.all([1, 2, 3].map(() => startRpcProxy({ http: anvil.http })))
    snapshot = await anvil.rpc('evm_snapshot')
  })
  afterEach(async () => {
    for (const nodes of opened.splice(0)) nodes.close()
    await Promise.all([a, b, relay].map((proxy) => proxy!.close()))
    await anvil.rpc('anvil_dropAllTransactions')
    await anvil.rpc('evm_revert', snapshot)
    notices.length = 0
  })
  function nodes(more: Partial<NodesSettings> = {}): Nodes {
    const made = new Nodes({
      ...{ chain_id: 31337, timeout: 400e3, hedge: 'late', max_lag: 2, clock: wallClock },
      endpoints: [endpoint('first', a!.http), endpoint('second', b!.http)],
      notice: (text) => notices.push(text),
      ...more,
    })
    opened.push(made)
    return made
  }
  const signed = (nonce: number, more: object = {}): Promise<string> =>
    wallet.signTransaction({
      ...{ type: 2, chainId: 31337, nonce, to: wallet.address, value: 1n, gasLimit: 21_000n },
      ...{ maxFeePerGas: 10n ** 10n, maxPriorityFeePerGas: 10n ** 9n },
      ...more,
    })
  const send = (to: Nodes, raw: string, broadcast: 'one' | 'all' = 'one') => to.send(raw as Hex, broadcast)

  test('the preferred endpoint answers; its chain is looked at once', async () => {
    const both = nodes()
    for (const _ of [1, 2, 3])
      expect(await both.read('eth_blockNumber')).toEqual({ type: 'result', endpoint: 'first', result: '0x0' })
    expect(Object.fromEntries(a!.asked)).toEqual({ eth_chainId: 1, eth_blockNumber: 3 })
    expect(b!.asked.size).toBe(0)
  })

  test.each(['late', 'failed'] as const)('while the first hangs the second answers (hedge %s)', async (hedge) => {
    a!.meets = always({ type: 'hang' })
    const both = nodes({ hedge })
    for (let i = 0; i < 20; i++)
      expect(await both.read('eth_blockNumber')).toMatchObject({ type: 'result', endpoint: 'second' })
    expect(both.pick()).toBe('second')
  })

  test('an endpoint that hangs only now is left for the one that answers', async () => {
    const both = nodes()
    expect(await both.read('eth_blockNumber')).toMatchObject({ endpoint: 'first' })
    a!.meets = always({ type: 'hang' })
    expect(await both.read('eth_blockNumber')).toMatchObject({ endpoint: 'second' })
  })

  test.each<[string, RpcFault]>([
    ['HTTP 503', { type: 'status', status: 503 }],
    ['HTTP 421, at which fetch may ask again', { type: 'status', status: 421 }],
    ['a page', { type: 'html' }],
    ['a cut connection', { type: 'drop' }],
    ['another result', { type: 'error', code: -32000, message: 'header not found' }],
  ])('%s: the next is asked at once, each once', async (_what, fault) => {
    a!.meets = chainOnly(fault)
    expect(await nodes({ hedge: 'failed' }).read('eth_blockNumber')).toMatchObject({ endpoint: 'second' })
    expect([a!.asked.get('eth_blockNumber'), b!.asked.get('eth_blockNumber')]).toEqual([1, 1])
  })

  test('where none answers the failure says why, and a refusal says more than silence', async () => {
    a!.meets = chainOnly({ type: 'error', code: -32601, message: 'no such method' })
    b!.meets = always({ type: 'drop' })
    const failure = await nodes()
      .read('eth_nonsense')
      .catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(RpcFailure)
    expect(failure).toMatchObject({ reason: 'refused', code: -32601 })
  })

  test('a call that reverts is an answer: nobody else is asked', async () => {
    const reverts = '0x60006000fd'
    const answer = await nodes().read('eth_call', [{ from: wallet.address, data: reverts }, 'latest'])
    expect(answer).toMatchObject({ type: 'reverted', endpoint: 'first', code: 3 })
    expect(b!.asked.size).toBe(0)
  })

  test('who asks for less is left alone until then', async () => {
    a!.meets = chainOnly({ type: 'status', status: 429, retryAfter: 30 })
    const both = nodes()
    await both.read('eth_blockNumber')
    a!.meets = () => undefined
    await both.read('eth_blockNumber')
    expect(a!.asked.get('eth_blockNumber')).toBe(1)
    b!.meets = always({ type: 'status', status: 429, retryAfter: 30 })
    await expect(both.read('eth_blockNumber')).rejects.toMatchObject({ reason: 'limited' })
    await expect(both.read('eth_blockNumber')).rejects.toMatchObject({ reason: 'limited', after: expect.any(Number) })
    expect(() => both.pick()).toThrow('left alone')
  })

  test('one of another chain is told of and left alone; if all are, it is CHAIN_MISMATCH', async () => {
    a!.meets = always({ type: 'result', result: '0x1' }, 'eth_chainId')
    const both = nodes()
    for (const _ of [1, 2]) expect(await both.read('eth_blockNumber')).toMatchObject({ endpoint: 'second' })
    expect(notices).toEqual(['first serves chain 1, expected 31337: it is not used'])
    expect(Object.fromEntries(a!.asked)).toEqual({ eth_chainId: 1 })
    const wrong = nodes({ endpoints: [endpoint('first', a!.http)] })
    await expect(wrong.read('eth_blockNumber')).rejects.toMatchObject({ code: 'CHAIN_MISMATCH', exit: 5 })
    await expect(send(wrong, await signed(0))).rejects.toMatchObject({ code: 'CHAIN_MISMATCH' })
    expect(() => wrong.pick()).toThrow('first serves chain 1')
    expect(a!.asked.has('eth_sendRawTransaction')).toBe(false)
  })

  test('what comes back from a failure must serve our chain again', async () => {
    const one = nodes({ endpoints: [endpoint('first', a!.http)] })
    await one.read('eth_blockNumber')
    a!.meets = always({ type: 'status', status: 502 })
    await expect(one.read('eth_blockNumber')).rejects.toMatchObject({ reason: 'unavailable' })
    a!.meets = always({ type: 'result', result: '0x5' }, 'eth_chainId')
    await expect(one.read('eth_blockNumber')).rejects.toMatchObject({ code: 'CHAIN_MISMATCH' })
    expect(a!.asked.get('eth_blockNumber')).toBe(2)
  })

  test('an endpoint too far behind is asked last, however fast it is', async () => {
    a!.meets = (method) => (method === 'eth_blockNumber' ? { type: 'result', result: '0x10' } : undefined)
    const slow = await startRpcProxy({ answer: (method) => (method === 'eth_chainId' ? '0x7a69' : '0x13') })
    slow.meets = () => ({ type: 'late', ms: 60 })
    const endpoints = [endpoint('first', a!.http), endpoint('slow', slow.http)]
    const [strict, lenient] = [nodes({ endpoints, max_lag: 2 }), nodes({ endpoints, max_lag: 3 })]
    try {
      for (let i = 0; i < 15; i++) await Promise.all([strict.refresh(), lenient.refresh()])
      expect((await strict.refresh()).map(({ label, head }) => [label, head])).toEqual([
        ['first', 16],
        ['slow', 19],
      ])
      expect([strict.pick(), lenient.pick()]).toEqual(['slow', 'first'])
      expect(await strict.readFrom('first', 'eth_chainId')).toMatchObject({ endpoint: 'first' })
    } finally {
      await slow.close()
    }
  })

  test('a transaction goes to one, or to all; the second time it is known', async () => {
    const both = nodes()
    const raw = await signed(0)
    expect(await send(both, raw)).toEqual([{ endpoint: 'first', outcome: 'accepted' }])
    expect(b!.asked.has('eth_sendRawTransaction')).toBe(false)
    expect(await send(both, raw, 'all')).toMatchObject([
      { endpoint: expect.any(String), outcome: 'known', code: 'ALREADY_KNOWN' },
      { outcome: 'known', code: 'ALREADY_KNOWN' },
    ])
  })

  test('what anvil refuses has its code', async () => {
    const one = nodes()
    const refused = async (raw: Promise<string>) => (await send(one, await raw))[0]
    await send(one, await signed(0))
    expect(await refused(signed(0, { value: 2n, maxFeePerGas: 10n ** 10n - 1n }))).toMatchObject({
      code: 'REPLACE_UNDERPRICED',
    })
    expect(await refused(signed(1, { maxFeePerGas: 1n, maxPriorityFeePerGas: 1n }))).toMatchObject({
      code: 'UNDERPRICED',
    })
    expect(await refused(signed(1, { value: 10n ** 30n }))).toMatchObject({ code: 'FUNDS' })
    expect(await refused(signed(1, { gasLimit: 10n ** 12n, maxFeePerGas: 2n * 10n ** 9n }))).toMatchObject({
      code: 'GAS_LIMIT',
    })
    expect(await refused(signed(1, { gasLimit: 20_000n }))).toMatchObject({ code: 'GAS_LIMIT' })
    expect(await refused(signed(1, { chainId: 5 }))).toMatchObject({ code: 'CONFIG' })
    await anvil.rpc('evm_mine')
    expect(await refused(signed(0, { value: 3n }))).toMatchObject({ outcome: 'refused', code: 'NONCE_LOW' })
  })

  test.each<[string, RpcFault]>([
    ['hangs', { type: 'hang' }],
    ['drops', { type: 'drop' }],
    ['breaks', { type: 'status', status: 502 }],
    ['says a page', { type: 'html' }],
    ['says another hash', { type: 'result', result: `0x${'1'.repeat(64)}` }],
  ])('an endpoint that %s leaves it unknown, and nothing is sent again', async (_what, fault) => {
    a!.meets = always(fault, 'eth_sendRawTransaction')
    expect(await send(nodes(), await signed(0))).toMatchObject([
      { endpoint: 'first', outcome: 'unknown', code: 'TRANSPORT_UNKNOWN' },
    ])
    await pause(wallClock, 100e3)
    expect([a!.asked.get('eth_sendRawTransaction'), b!.asked.get('eth_sendRawTransaction')]).toEqual([1, undefined])
  })

  test('bytes are not handed to an endpoint that does not say its chain', async () => {
    a!.meets = always({ type: 'drop' }, 'eth_chainId')
    expect(await send(nodes(), await signed(0))).toMatchObject([{ outcome: 'refused', code: 'UNREACHED' }])
    expect(a!.asked.has('eth_sendRawTransaction')).toBe(false)
  })

  const relayed: readonly (readonly [string, RpcFault | undefined, string])[] = [
    ['works', undefined, 'accepted'],
    ['hangs', { type: 'hang' }, 'unknown'],
    ['drops', { type: 'drop' }, 'unknown'],
    ['refuses', { type: 'error', code: -32000, message: 'transaction underpriced' }, 'refused'],
    ['asks for less', { type: 'status', status: 429 }, 'refused'],
  ]
  test.each(relayed)('with a relay that %s, nobody else sees the bytes', async (_how, fault, outcome) => {
    relay!.meets = (method) => (method === 'eth_sendRawTransaction' ? fault : undefined)
    const both = nodes({ relay: endpoint('relay', relay!.http) })
    await both.read('eth_blockNumber')
    const raw = await signed(0)
    for (const broadcast of ['one', 'all'] as const)
      expect((await send(both, raw, broadcast)).map(({ endpoint: at }) => at)).toEqual(['relay'])
    expect(a!.asked.has('eth_sendRawTransaction') || b!.asked.has('eth_sendRawTransaction')).toBe(false)
    expect(relay!.asked.get('eth_sendRawTransaction')).toBe(2)
    expect(relay!.asked.has('eth_blockNumber')).toBe(false)
    if (outcome === 'accepted')
      expect(await anvil.rpc('eth_getTransactionByHash', Transaction.from(raw).hash)).toMatchObject({ nonce: '0x0' })
  })

  test('a relay of another chain gets nothing, and nobody else either', async () => {
    relay!.meets = always({ type: 'result', result: '0x1' }, 'eth_chainId')
    const both = nodes({ relay: endpoint('relay', relay!.http) })
    await expect(send(both, await signed(0))).rejects.toMatchObject({ code: 'CHAIN_MISMATCH' })
    for (const proxy of [a, b, relay]) expect(proxy!.asked.has('eth_sendRawTransaction')).toBe(false)
  })
})
