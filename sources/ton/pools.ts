import type { Observable } from 'rxjs'
import { z } from 'zod'
import { defineSource, type SourceContext, type SourceItem } from '../../runtime/define.ts'
import { PoolState } from '../../schemas/chain.ts'
import { type Polled, poll, type Question } from '../feed/poll.ts'
import { dedust, dedustStates, poolsPath } from './dedust.ts'
import { address, decimals, positive, rate } from './pool_params.ts'
import { type CurveState, type OTHER_CURVE, poolPath, stonfi, stonfiState } from './stonfi.ts'

const pool = z
  .strictObject({
    dex: z.enum(['stonfi_v1', 'stonfi_v2', 'dedust']).describe('whose interface is asked'),
    address,
    decimals0: decimals('token 0'),
    decimals1: decimals('token 1'),
  })
  .describe('a pool that is looked at')
const params = z.strictObject({
  pools: z
    .array(pool)
    .min(1)
    .max(200)
    .refine((pools) => new Set(pools.map((p) => p.address)).size === pools.length, 'expected each pool once')
    .describe('pools that are looked at'),
  every: positive('duration').default(5e6).describe('time between two looks at a pool'),
  repeat_every: positive('duration')
    .default(60e6)
    .describe('a state that has not changed is told again after this long'),
  requests_per_second: rate(1),
  stale_after: positive('duration').default(3600e6).describe('time without any change after which a gap is told'),
})
type Given = z.output<typeof params>
type Pool = Given['pools'][number]

/** What is known of a pool, and since when. */
class Looks {
  private readonly known = new Map<string, { mark: string; since: number; told: number }>()
  private readonly repeatEvery: number
  constructor(repeatEvery: number) {
    this.repeatEvery = repeatEvery
  }

  /** The row of a state where it is new or due; `asked` and `now` are local times. */
  row(key: string, state: CurveState, asked: number, now: number): Polled['rows'][number] | undefined {
    const mark = `${state.reserve0} ${state.reserve1} ${state.fee}`
    const last = this.known.get(key)
    const since = last?.mark === mark ? last.since : asked
    if (last?.mark === mark && now - last.told < this.repeatEvery) return undefined
    this.known.set(key, { mark, since, told: now })
    return { at: now, key, value: { ...state, age: now - since } }
  }
}

export function openPools(given: Given, context: SourceContext): Observable<readonly SourceItem[]> {
  const looks = new Looks(given.repeat_every)
  const keyOf = ({ dex, address }: Pool) => `${dex}:${address}`
  const { clock } = context
  const polled = (
    states: readonly (readonly [Pool, CurveState | typeof OTHER_CURVE | undefined])[],
    asked: number,
  ): Polled => {
    const now = clock.now()
    const rows = states.flatMap(([pool, state]) =>
      typeof state === 'object' ? (looks.row(keyOf(pool), state, asked, now) ?? []) : [],
    )
    const invalid = states.flatMap(([pool, state]) =>
      typeof state === 'object' ? [] : [{ key: keyOf(pool), reason: state ?? 'not_listed', text: pool.address }],
    )
    const mark = JSON.stringify(states.map(([, s]) => (typeof s === 'object' ? `${s.reserve0} ${s.reserve1}` : s)))
    return { rows, invalid, mark, continuous: true }
  }
  const ston = given.pools.filter(({ dex }) => dex !== 'dedust')
  const others = given.pools.filter(({ dex }) => dex === 'dedust')
  const scales = new Map(others.map((pool) => [pool.address, pool]))
  const questions = ston.map(
    (pool): Question => ({
      ...{ name: keyOf(pool), keys: [keyOf(pool)], every: given.every },
      ask: async (rest) => {
        const asked = clock.now()
        return polled([[pool, stonfiState(await rest.get(poolPath(pool.address)), pool)]], asked)
      },
    }),
  )
  const list: Question = {
    ...{ name: 'pools of DeDust', keys: others.map(keyOf), every: given.every },
    ask: async (rest) => {
      const asked = clock.now()
      const states = dedustStates(await rest.get(poolsPath), scales)
      return polled(
        others.map((pool) => [pool, states.get(pool.address)] as const),
        asked,
      )
    },
  }
  const settings = { rate: given.requests_per_second, staleAfter: given.stale_after }
  return poll(
    [
      { name: 'ton_pools.stonfi', base: stonfi, ...settings, questions: questions },
      { name: 'ton_pools.dedust', base: dedust, ...settings, questions: others.length > 0 ? [list] : [] },
    ],
    context,
  )
}

/** Reserves of pools on TON, looked at again and again. */
export const tonPools = defineSource({
  name: 'ton_pools',
  version: 1,
  summary: 'Reserves and fees of STON.fi and DeDust pools on TON, asked for over their REST interfaces.',
  notes:
    'Instruments are `DEX:POOL` with the raw address in small letters, as those of `ton_swaps`. STON.fi is asked for one pool a question (`/v1/pools/{address}`), DeDust for all its pools at once (`/v2/pools`), within `requests_per_second` each. A state is told when it has changed, and again after `repeat_every` where it has not. The interfaces tell neither block nor time: event time is the local time of the answer, `block` is 0, and `age` is how long the state has been seen unchanged, not how long it has been so on the chain. Only constant product pools are told: those of other curves (stable, weighted) and those an interface does not list come out as invalid (`other_curve`, `not_listed`). `fee` is the sum of what liquidity providers and the protocol take. Gaps: states replace each other, so only the first look and an interface without any change for `stale_after` are gaps. Failures (refusals, 429, pages of HTML) are told as events and asked again after a growing wait, no sooner than `Retry-After`. Heartbeats: none. Duplicates: an unchanged state is not told twice but by `repeat_every`. Delivery: what changed between two looks is not seen. Back pressure: none.',
  output: PoolState,
  params,
  open: openPools,
  example: {
    params: {
      pools: [
        {
          dex: 'stonfi_v1',
          address: '0:bf3b157a310e9cb195cd93666eea332bb06448ea6e184732f631c29a3c262636',
          decimals0: 9,
          decimals1: 9,
        },
      ],
    },
  },
})
