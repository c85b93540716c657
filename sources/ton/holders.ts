import type { Observable } from 'rxjs'
import { z } from 'zod'
import { defineSource, type SourceContext, type SourceItem } from '../../runtime/define.ts'
import { JettonHolders } from '../../schemas/ton.ts'
import { poll, type Question, Unreadable } from '../feed/poll.ts'
import { Balances } from './balances.ts'
import { address, apiKey, positive, rate, whole } from './pool_params.ts'
import { keyHeaders, toncenter } from './toncenter.ts'
import { isFields } from './transaction.ts'

const params = z.strictObject({
  jettons: z.array(address).min(1).max(100).describe('masters of the jettons that are looked at'),
  top: z.int().min(10).max(1000).default(100).describe('how many of the largest wallets are looked at'),
  move_share: z
    .number()
    .gt(0)
    .max(1)
    .default(0.001)
    .describe('a wallet moved where its balance changed by this share of the supply or more'),
  every: positive('duration').default(60e6).describe('time between two looks at a jetton'),
  api_key: apiKey,
  requests_per_second: rate(1),
  stale_after: positive('duration').default(86_400e6).describe('time without any change after which a gap is told'),
})
type Given = z.output<typeof params>

export interface Master {
  readonly supply: bigint
  readonly decimals: number
  readonly mintable: boolean
}
const units = (value: unknown): bigint | undefined =>
  typeof value === 'string' && /^\d+$/.test(value) ? BigInt(value) : undefined

/**
 * `GET /api/v3/jetton/masters`. `jetton_content.decimals` is a text; a jetton without it has 9 (TEP-64).
 * @throws Unreadable
 */
export function masterOf(answer: unknown): Master {
  const masters = isFields(answer) ? answer['jetton_masters'] : undefined
  const [master] = Array.isArray(masters) ? (masters as unknown[]) : []
  if (!isFields(master)) throw new Unreadable('no_such_jetton', answer)
  const { total_supply, mintable, jetton_content } = master
  const supply = units(total_supply)
  const told = isFields(jetton_content) ? jetton_content['decimals'] : undefined
  const decimals = told === undefined ? 9 : Number(told)
  if (supply === undefined || typeof mintable !== 'boolean' || !Number.isInteger(decimals) || decimals < 0)
    throw new Unreadable('master_fields', master)
  return { supply, decimals, mintable }
}
/** @throws Unreadable */
export function walletsOf(answer: unknown): ReadonlyMap<string, bigint> {
  const wallets = isFields(answer) ? answer['jetton_wallets'] : undefined
  if (!Array.isArray(wallets)) throw new Unreadable('wallets_fields', answer)
  return new Map(
    (wallets as unknown[]).map((wallet) => {
      const balance = isFields(wallet) ? units(wallet['balance']) : undefined
      if (!isFields(wallet) || typeof wallet['address'] !== 'string' || balance === undefined)
        throw new Unreadable('wallet_fields', wallet)
      return [wallet['address'], balance] as const
    }),
  )
}

export function openHolders(given: Given, context: SourceContext): Observable<readonly SourceItem[]> {
  const questions = given.jettons.map((jetton): Question => {
    const key = `ton:${jetton}`
    const balances = new Balances(given.move_share)
    return {
      ...{ name: key, keys: [key], every: given.every },
      ask: async (rest) => {
        const master = masterOf(await rest.get('/api/v3/jetton/masters', { address: jetton, limit: 1 }))
        const query = { jetton_address: jetton, exclude_zero_balance: 'true', limit: given.top, sort: 'desc' }
        const wallets = walletsOf(await rest.get('/api/v3/jetton/wallets', query))
        const { supply, decimals, mintable } = master
        const { moves, movedIn, movedOut, ...shares } = balances.look(wallets, supply)
        const value: JettonHolders = {
          ...{
            supply: String(supply),
            decimals,
            mintable,
            seen: wallets.size,
            holders_more: wallets.size >= given.top,
          },
          ...shares,
          ...{ moves, moved_in: whole(movedIn, decimals), moved_out: whole(movedOut, decimals) },
        }
        const mark = JSON.stringify([...wallets].map(([wallet, balance]) => [wallet, String(balance)]))
        return { rows: [{ at: context.clock.now(), key, value }], continuous: true, mark }
      },
    }
  })
  const settings = { name: 'ton_jetton_holders', base: toncenter, headers: keyHeaders(given.api_key, context) }
  const rates = { rate: given.requests_per_second, staleAfter: given.stale_after }
  return poll([{ ...settings, ...rates, questions }], context)
}

/** How jettons are spread, and what their largest holders move. */
export const tonJettonHolders = defineSource({
  name: 'ton_jetton_holders',
  version: 1,
  summary: 'Supply, concentration and large moves of the holders of jettons on TON, from API v3 of TON Center.',
  notes:
    'Instruments are `ton:MASTER` with the raw address in small letters. A look is two questions: `/api/v3/jetton/masters` and `/api/v3/jetton/wallets` with the `top` largest wallets by balance; it tells one row. Shares are of the whole supply, and wallets of DEX pools, vaults and exchanges count like any other: a wallet is not a person. A move is a wallet among the largest whose balance changed by `move_share` of the supply or more between two looks; of one that came into the list or dropped out of it only what surely changed is counted, against the smallest balance in the other list. Event time is the local time of the answer; the interface tells none. Gaps: looks replace each other, so only the first one and an interface without any change for `stale_after` are gaps. Duplicates, heartbeats: none. Delivery: what moved there and back between two looks is not seen. Back pressure: none; without a key TON Center allows one question a second.',
  output: JettonHolders,
  params,
  open: openHolders,
  example: { params: { jettons: ['0:b113a994b5024a16719f69139328eb759596c38a25f59028b146fecdc3621dfe'] } },
})
