import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Wallet } from 'ethers'
import type { z } from 'zod'
import type { Committed } from '../../runtime/define.ts'
import { Address } from '../../sinks/evm/hex.ts'
import type { evmSwapParams } from '../../sinks/evm/params.ts'
import { type Anvil, startAnvil } from '../../testing/anvil.ts'
import { deployUniswap, interfaceOf, type Uniswap } from '../../testing/evm_chain.ts'
import { type GethProxy, startGethProxy } from '../../testing/geth_proxy.ts'

/** A chain of our own with a pool of Uniswap V2, a node like Geth before it, and an account that trades there. */
export interface Ground {
  readonly anvil: Anvil
  readonly uniswap: Uniswap
  readonly proxy: GethProxy
  readonly wallet: Wallet
  readonly account: Address
  readonly pool: Address
  /** The instrument. */
  readonly key: string
  /** A folder with the key file, and what journals are kept in. */
  readonly folder: string
  readonly environment: Readonly<Record<string, string>>
  /** Params of the sink, as a definition writes them; `more` wins. */
  readonly params: (more?: Readonly<Record<string, unknown>>) => z.input<typeof evmSwapParams>
  /** What each swap of the account paid, from the logs of the pair, in the order of the chain. */
  readonly swaps: () => Promise<readonly Swapped[]>
  readonly close: () => Promise<void>
}
export interface Swapped {
  readonly paid: bigint
  readonly got: bigint
  readonly transaction: string
}
/** A key that holds nothing anywhere but on chains of tests. */
const testKey = '0x8b3a350cf5c34c9194ca85829a2df0ec3153be0318b5e2d3348e872092edffba'
const unit = 10n ** 18n

export async function startGround(): Promise<Ground> {
  const anvil = await startAnvil()
  const uniswap = await deployUniswap(anvil)
  const wallet = new Wallet(testKey)
  const account = Address.parse(wallet.address)
  await anvil.rpc('anvil_setBalance', account, `0x${(1000n * unit).toString(16)}`)
  for (const token of uniswap.tokens)
    await uniswap.deployer.receipt(await token.send('transfer', account, 100_000n * unit))
  await anvil.rpc('evm_setAutomine', false)
  const proxy = await startGethProxy(anvil)
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-evm-'))
  writeFileSync(join(folder, 'keys.env'), `TRADER=${testKey}\n`)
  chmodSync(join(folder, 'keys.env'), 0o600)
  const [base, quote] = uniswap.tokens.map(({ address }) => Address.parse(address)) as [Address, Address]
  const pool = Address.parse(uniswap.v2.pair.address)
  const key = `uniswap_v2:${pool}`
  return {
    ...{ anvil, uniswap, proxy, wallet, account, pool, key, folder },
    environment: { TIDEGATE_KEYS: folder, TIDEGATE_JOURNALS: join(folder, 'journals') },
    params: (more = {}) => ({
      chain_id: anvil.chain_id,
      endpoints: [{ http: proxy.http }],
      signer: { from: 'key_file', address: account, name: 'TRADER' },
      markets: [
        {
          instrument: key,
          base: { address: base, decimals: 18 },
          quote: { address: quote, decimals: 18 },
          venue: { name: 'uniswap_v2', router: uniswap.v2.router.address, path: [quote] },
        },
      ],
      slippage: 0.3,
      time_to_live: '1h',
      // the time of a chain whose blocks are made faster than once a second runs ahead
      deadline: '1d',
      grant: 'max',
      poll_every: '30ms',
      request_timeout: '300ms',
      ...more,
    }),
    swaps: () => swapsOf(anvil, pool, account),
    close: async () => {
      await proxy.close()
      await anvil.close()
      if (!process.env['KEEP']) rmSync(folder, { recursive: true })
    },
  }
}

async function swapsOf(anvil: Anvil, pool: string, account: string): Promise<readonly Swapped[]> {
  const abi = interfaceOf('UniswapV2Pair')
  const to = `0x${account.slice(2).padStart(64, '0')}`
  const topics = [abi.getEvent('Swap')?.topicHash, null, to]
  const filter = { fromBlock: '0x0', toBlock: 'latest', address: pool, topics }
  const logs = (await anvil.rpc('eth_getLogs', filter)) as {
    topics: string[]
    data: string
    transactionHash: string
  }[]
  return logs.map((log) => {
    const args = abi.parseLog(log)?.args as unknown as Record<string, bigint>
    const [in0, in1] = [args['amount0In'] as bigint, args['amount1In'] as bigint]
    return {
      paid: in0 + in1,
      got: (args['amount0Out'] as bigint) + (args['amount1Out'] as bigint),
      transaction: log.transactionHash,
    }
  })
}

/** The n-th approved order: sells an amount that no other has, so that its swap is known by it. */
export function orderOf(
  ground: Pick<Ground, 'key'>,
  n: number,
  more: Readonly<Record<string, unknown>> = {},
): Committed {
  const at = Date.now() * 1000
  return {
    id: `crash/gate.approved/${ground.key}/${n}/0`,
    edge: 'gate.approved',
    kind: 'approved_order',
    key: ground.key,
    at,
    ordinal: 0,
    value: { side: 'sell', quantity: quantityOf(n), limit: 0, price: 1, ...more },
    commit: n + 1,
    order: 0,
  }
}
export const quantityOf = (n: number): number => Number((0.01 + n * 1e-8).toFixed(8))
export const paidOf = (n: number): bigint => BigInt(Math.round(quantityOf(n) * 1e8)) * 10n ** 10n
