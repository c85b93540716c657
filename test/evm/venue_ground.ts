import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { HDNodeWallet } from 'ethers'
import { Address } from '../../sinks/evm/hex.ts'
import { type Aave, deployAave } from '../../testing/aave.ts'
import { startAnvil } from '../../testing/anvil.ts'
import { startGethProxy } from '../../testing/geth_proxy.ts'
import { deployUniswapRouters, type UniswapRouters, universalParams } from '../../testing/uniswap_routers.ts'
import type { DriveGround } from './drive_executor.ts'

/** A chain with the routers of Uniswap and a reserve of Aave, and an account that holds something of all tokens. */
export interface VenueGround extends DriveGround {
  readonly routers: UniswapRouters
  readonly aave: Aave
  readonly folder: string
  readonly close: () => Promise<void>
}
/** The mnemonic that every anvil starts with. */
const phrase = 'test test test test test test test test test test test junk'
const unit = 10n ** 18n

export async function startVenueGround(): Promise<VenueGround> {
  const anvil = await startAnvil()
  const routers = await deployUniswapRouters(anvil)
  const aave = await deployAave(routers.uniswap.deployer, routers.a)
  const { deployer } = routers.uniswap
  // so that there is something to withdraw beside what is supplied
  const underlying = deployer.at('ERC20', routers.a)
  await deployer.receipt(await underlying.send('approve', aave.pool.address, 1000n * unit))
  await deployer.receipt(await aave.pool.send('supply', routers.a, 100n * unit, routers.trader, 0))
  await anvil.rpc('evm_setAutomine', false)
  const wallet = HDNodeWallet.fromPhrase(phrase, undefined, "m/44'/60'/0'/0/1")
  const account = Address.parse(wallet.address)
  const proxy = await startGethProxy(anvil)
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-venues-'))
  writeFileSync(join(folder, 'keys.env'), `TRADER=${wallet.privateKey}\n`)
  chmodSync(join(folder, 'keys.env'), 0o600)
  return {
    ...{ anvil, proxy, account, routers, aave, folder, key: 'venue:v2' },
    environment: { TIDEGATE_KEYS: folder, TIDEGATE_JOURNALS: join(folder, 'journals') },
    params: (more = {}) => ({
      chain_id: anvil.chain_id,
      endpoints: [{ http: proxy.http }],
      signer: { from: 'key_file', address: account, name: 'TRADER' },
      markets: marketsOf(routers, aave),
      slippage: 0.1,
      request_timeout: '1s',
      ...more,
    }),
    close: async () => {
      await proxy.close()
      await anvil.close()
      rmSync(folder, { recursive: true })
    },
  }
}

function marketsOf(routers: UniswapRouters, aave: Aave) {
  const { a, b, c, weth, v2, v3 } = routers
  const token = (address: string) => ({ address, decimals: 18 })
  const coin = { address: weth, decimals: 18, native: true }
  const via = (protocol: 'uniswap_v2' | 'uniswap_v3' | 'uniswap_v4', out: string) => ({ protocol, out })
  type Way = readonly ReturnType<typeof via>[]
  const routed = (...routes: readonly (readonly [share: number, hops: Way])[]) => ({
    name: 'universal_router',
    ...universalParams(routers, routes),
  })
  type Token = ReturnType<typeof token>
  type Venue = { readonly name: string; readonly [param: string]: unknown }
  const market = (name: string, base: Token, quote: Token, venue: Venue) => ({
    instrument: `venue:${name}`,
    ...{ base, quote, venue },
  })
  return [
    market('v2', token(a), token(b), { name: 'uniswap_v2', router: v2.router, path: [b] }),
    market('v2_coin', token(a), coin, { name: 'uniswap_v2', router: v2.router, path: [weth] }),
    market('v3', token(a), token(b), {
      ...{ name: 'uniswap_v3', router: v3.router, quoter: v3.quoter, hops: [{ fee: 3000, out: b }] },
    }),
    market('v3_coin', token(a), coin, {
      ...{ name: 'uniswap_v3', router: v3.router, quoter: v3.quoter, hops: [{ fee: 3000, out: weth }] },
    }),
    market('v4', token(a), token(b), routed([10_000, [via('uniswap_v4', b)]])),
    market('v4_coin', token(a), coin, routed([10_000, [via('uniswap_v4', weth)]])),
    // of several protocols in a row none can be told what shall come
    {
      ...market('hops', token(a), token(c), routed([10_000, [via('uniswap_v2', b), via('uniswap_v3', c)]])),
      exact: 'in' as const,
    },
    market('split', token(a), token(b), routed([6000, [via('uniswap_v2', b)]], [4000, [via('uniswap_v3', b)]])),
    market('aave', token(a), token(aave.atoken.address), {
      ...{ name: 'aave_v3', pool: aave.pool.address, underlying: a, atoken: aave.atoken.address },
    }),
  ]
}
