import { z } from 'zod'
import { TidegateError } from '../../schemas/errors.ts'
import { unsigned } from './abi.ts'
import { isWords } from './wire.ts'

// The logs of a pool's contract, by the hash of their signature. Uniswap: v2-core 1.0.1 UniswapV2Pair, v3-core 1.0.1
// IUniswapV3PoolEvents, v4-core 1.0.2 IPoolManager. PancakeSwap V3 logs two protocol fees more with a swap
// (pancake-v3-contracts, IPancakeV3PoolEvents). Forks with the same logs (Sushi, QuickSwap, ...) take the same protocol.
export const topics = {
  v2Swap: '0xd78ad95fa46c994b6551d0da85fc275fe613ce37657fb8d5e3d130840159d822',
  v2Sync: '0x1c411e9a96e071241c2f21f7726b17ae89e3cab4c78be50e062b03a9fffbbad1',
  v3Initialize: '0x98636036cb66a9c19a37435efc1e90142190214e8abeb821bdba3f2990dd4c95',
  v3Swap: '0xc42079f94a6350d7e6235f29174924f928cc2ac818eb64fed8004e115fbcca67',
  v3Mint: '0x7a53080ba414158be7ec69b987b5fb7d07dee101fe85488f0853ae16239d0bde',
  v3Burn: '0x0c396cd989a39f4459b5fa1aed6a9a8dcdbc45908acfd67e028cd568da98982c',
  pancakeV3Swap: '0x19b47279256b2a23a1665c810c8d55a1758940ee09377d4f8d26497a3577dc83',
  v4Initialize: '0xdd466e674ea557f56295e2d0218a125ea4b4f0f6f3307b95f85e6110838d6438',
  v4Swap: '0x40e9cecb9f5f1f1c5b9c97dec2917b7ee92e57ba5563708daca94dd84ad7112f',
  v4ModifyLiquidity: '0xf208f4912782fd25c7f114ca3723a2d5dd6f3bcc3ac8db5af63baa85f711d5ec',
} as const

export const protocols = ['uniswap_v2', 'uniswap_v3', 'pancakeswap_v3', 'uniswap_v4'] as const
export type Protocol = (typeof protocols)[number]
export const swapTopics: Readonly<Record<Protocol, string>> = {
  uniswap_v2: topics.v2Swap,
  uniswap_v3: topics.v3Swap,
  pancakeswap_v3: topics.pancakeV3Swap,
  uniswap_v4: topics.v4Swap,
}
export const stateTopics: Readonly<Record<Protocol, readonly string[]>> = {
  uniswap_v2: [topics.v2Sync],
  uniswap_v3: [topics.v3Initialize, topics.v3Swap, topics.v3Mint, topics.v3Burn],
  pancakeswap_v3: [topics.v3Initialize, topics.pancakeV3Swap, topics.v3Mint, topics.v3Burn],
  uniswap_v4: [topics.v4Initialize, topics.v4Swap, topics.v4ModifyLiquidity],
}

const hex = (digits: number, what: string) =>
  z
    .string()
    .regex(new RegExp(`^0x[0-9a-fA-F]{${digits}}$`), `expected ${what}`)
    .transform((text) => text.toLowerCase())
const decimals = z.int().min(0).max(255).optional()

/** A pool as a definition names it. */
export const poolParams = z
  .strictObject({
    protocol: z.enum(protocols).describe('whose logs its contract writes; forks name the one they were copied from'),
    address: hex(40, 'an address of 20 bytes').describe("the pool's contract; Uniswap V4: the PoolManager"),
    pool_id: hex(64, 'a pool id of 32 bytes').optional().describe('Uniswap V4: the id of the pool'),
    venue: z
      .string()
      .regex(/^[a-z0-9_]+$/)
      .optional()
      .describe('what stands before the colon of its instrument; the protocol where it is absent'),
    fee: z
      .number()
      .min(0)
      .max(1)
      .optional()
      .describe('share of the input that is fee; needed where it differs from 0.003 and the contract does not say'),
    decimals0: decimals.describe('decimals of token 0, where its contract does not say; Uniswap V4: always'),
    decimals1: decimals.describe('decimals of token 1, likewise'),
  })
  .refine(({ protocol, pool_id }) => (protocol === 'uniswap_v4') === (pool_id !== undefined), {
    message: 'expected a pool_id for uniswap_v4, and for nothing else',
    path: ['pool_id'],
  })
  .refine(
    ({ protocol, decimals0, decimals1 }) =>
      protocol !== 'uniswap_v4' || (decimals0 !== undefined && decimals1 !== undefined),
    {
      message: 'the PoolManager does not tell the tokens of a pool: expected decimals0 and decimals1',
      path: ['decimals0'],
    },
  )
export type PoolParams = z.output<typeof poolParams>

/** A pool and what its tokens are. */
export interface Pool {
  readonly protocol: Protocol
  readonly address: string
  readonly id: string | undefined
  readonly key: string
  readonly decimals0: number
  readonly decimals1: number
  readonly fee: number
}
export const keyOf = ({ venue, protocol, address, pool_id }: PoolParams): string =>
  `${venue ?? protocol}:${pool_id ?? address}`

/** What tells the pool of a log apart from the others of its contract. */
export const placeOf = (address: string, id: string | undefined): string =>
  id === undefined ? address : `${address}/${id}`

/** Calls a contract at the newest block; the answer is `0x…` data. */
export type CallContract = (to: string, data: string) => Promise<unknown>

// Selectors: `token0()`, `token1()`, `decimals()`, `fee()`.
const selectors = { token0: '0x0dfe1681', token1: '0xd21220a7', decimals: '0x313ce567', fee: '0xddca3f43' } as const

/**
 * Asks the chain what the definition does not say.
 * @throws SOURCE_FAILED where there is no such contract
 */
export async function readPool(params: PoolParams, call: CallContract): Promise<Pool> {
  const { protocol, address, pool_id: id } = params
  const ask = async (to: string, what: keyof typeof selectors): Promise<bigint> => {
    const answer = await call(to, selectors[what])
    if (isWords(answer) && answer.length === 66) return unsigned(answer, 0)
    const problem = `${keyOf(params)}: ${to} does not answer ${what}(): expected a contract of ${protocol} there`
    throw new TidegateError('SOURCE_FAILED', problem, { pool: keyOf(params), to, what })
  }
  const decimalsOf = async (side: 'token0' | 'token1'): Promise<number> => {
    const token = await ask(address, side)
    const value = Number(await ask(`0x${token.toString(16).padStart(40, '0')}`, 'decimals'))
    return value
  }
  return {
    protocol,
    address,
    id,
    key: keyOf(params),
    decimals0: params.decimals0 ?? (await decimalsOf('token0')),
    decimals1: params.decimals1 ?? (await decimalsOf('token1')),
    fee:
      params.fee ??
      (protocol === 'uniswap_v2' ? 0.003 : id === undefined ? Number(await ask(address, 'fee')) / 1e6 : 0),
  }
}
