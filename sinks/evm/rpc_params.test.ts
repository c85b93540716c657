import { expect, test } from 'vitest'
import { z } from 'zod'
import { wallClock } from '../../runtime/clock.ts'
import { startRpcProxy } from '../../testing/rpc_proxy.ts'
import { nodesOf, rpcParams } from './rpc_params.ts'

const open = (given: unknown, secrets: Record<string, string> = {}, endpoints: Record<string, string> = {}) =>
  nodesOf('evm_swap', z.strictObject(rpcParams).parse(given), {
    ...{ clock: wallClock, notice: () => {} },
    endpoint: (name) => endpoints[name],
    secret: (name) => secrets[name],
  })

test('nodes are opened by name, by variable and with a relay beside them', async () => {
  const said = (method: string) => (method === 'eth_chainId' ? '0x7a69' : `0x${'0'.repeat(64)}`)
  const [node, relay] = await Promise.all([startRpcProxy({ answer: said }), startRpcProxy({ answer: said })])
  const given = { chain_id: 31337, endpoints: [{ http: 'mainnet' }], relay: { http: '$TIDEGATE_RELAY' } }
  const nodes = open(given, { TIDEGATE_RELAY: relay.http }, { mainnet: node.http })
  try {
    expect(await nodes.read('eth_chainId')).toEqual({ type: 'result', endpoint: 'mainnet', result: '0x7a69' })
    expect(await nodes.send('0x00')).toMatchObject([{ endpoint: '$TIDEGATE_RELAY', outcome: 'unknown' }])
    expect([relay.asked.get('eth_sendRawTransaction'), node.asked.has('eth_sendRawTransaction')]).toEqual([1, false])
  } finally {
    nodes.close()
    await Promise.all([node.close(), relay.close()])
  }
})

test('two endpoints of one host are told apart, and nobody else is asked for one of them', async () => {
  const paths = await startRpcProxy({ answer: () => '0x1' })
  const nodes = open({ chain_id: 1, endpoints: [{ http: `${paths.http}/key_a` }, { http: `${paths.http}/key_b` }] })
  try {
    const { host } = new URL(paths.http)
    expect((await nodes.refresh()).map(({ label }) => label)).toEqual([host, `${host}#2`])
    expect(await nodes.readFrom(`${host}#2`, 'eth_chainId')).toMatchObject({ endpoint: `${host}#2` })
    await expect(nodes.readFrom('other', 'eth_chainId')).rejects.toMatchObject({ reason: 'absent' })
  } finally {
    nodes.close()
    await paths.close()
  }
})

test('an endpoint or a relay without an HTTP address is ENDPOINT_UNKNOWN', () => {
  const unknown = expect.objectContaining({ code: 'ENDPOINT_UNKNOWN', exit: 3 })
  const chain_id = 1
  expect(() => open({ chain_id, endpoints: [{ http: 'mainnet' }] })).toThrow(unknown)
  expect(() => open({ chain_id, endpoints: [{ ws: 'wss://a.example/key' }] })).toThrow(unknown)
  const endpoints = [{ http: 'https://a.example' }]
  expect(() => open({ chain_id, endpoints, relay: { http: '$TIDEGATE_RELAY' } })).toThrow(unknown)
  expect(() => open({ chain_id, endpoints, request_timeout: '0s' })).toThrow('positive')
})
