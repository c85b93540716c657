import { AbiCoder } from 'ethers/abi'
import { Address, type Hex } from '../hex.ts'
import { pathOf } from './uniswap_v3.ts'
import { type Params, type Part, type Segment, zero } from './universal_routes.ts'
import { pathKeys, pathKeysOf } from './v4_pools.ts'
import type { Trade } from './venue.ts'

// Commands of the Universal Router 2.1.0 and actions of V4. Sources: Commands.sol, Dispatcher.sol, universal-router;
// Actions.sol, V4Router.sol, v4-periphery 1.0.3.

const coder = AbiCoder.defaultAbiCoder()
const commands = {
  v3: { in: 0x00, out: 0x01 },
  v2: { in: 0x08, out: 0x09 },
  pull: 0x02,
  sweep: 0x04,
  wrap: 0x0b,
  unwrap: 0x0c,
  v4: 0x10,
} as const
const actions = { swap: { in: 0x07, out: 0x09 }, settle: 0x0b, take: 0x0e } as const
/** The router itself as a recipient, and all that it holds as an amount. */
const itself = Address.parse(`0x${'0'.repeat(39)}2`)
const everything = 1n << 255n
/** To V4: what is owed, or what is due. */
const open = 0n

export type Command = readonly [code: number, input: Hex]
const command = (code: number, types: readonly string[], values: readonly unknown[]): Command => [
  code,
  coder.encode(types, values) as Hex,
]
const pull = (token: Address, amount: bigint) =>
  command(commands.pull, ['address', 'address', 'uint160'], [token, itself, amount])
const sweep = (token: Address, to: Address, least: bigint) =>
  command(commands.sweep, ['address', 'address', 'uint256'], [token, to, least])
const wrap = (to: Address, amount: bigint) => command(commands.wrap, ['address', 'uint256'], [to, amount])
/** All of it: the swap before holds the bound. */
const unwrap = (to: Address) => command(commands.unwrap, ['address', 'uint256'], [to, 0n])

/** What of the params the commands depend on. */
type By = Pick<Params, 'wrapped' | 'version'>

interface Swap {
  readonly segment: Segment
  readonly exact: Trade['exact']
  readonly amount: bigint
  readonly bound: bigint
  readonly to: Address
  /** The account by Permit2; otherwise the router of what it holds. */
  readonly byAccount: boolean
  readonly by: By
}
function swap({ segment, exact, amount, bound, to, byAccount, by }: Swap): Command {
  const { protocol, legs, takes, gives } = segment
  // later routers take a bound for each pool too; an empty list is none
  const [hopTypes, hopBounds] = by.version === '2.1.1' ? [['uint256[]'], [[]]] : [[], []]
  if (protocol === 'uniswap_v2') {
    const tokens = [takes, ...legs.map((leg) => leg.to)]
    const types = ['address', 'uint256', 'uint256', 'address[]', 'bool', ...hopTypes]
    return command(commands.v2[exact], types, [to, amount, bound, tokens, byAccount, ...hopBounds])
  }
  if (protocol === 'uniswap_v3') {
    const types = ['address', 'uint256', 'uint256', 'bytes', 'bool', ...hopTypes]
    return command(commands.v3[exact], types, [to, amount, bound, pathOf(legs, exact), byAccount, ...hopBounds])
  }
  const all = amount === everything
  const start = exact === 'in' ? takes : gives
  const [types, bounds] = by.version === '2.0' ? ['', []] : ['uint256[],', [[]]]
  const params = [start, pathKeysOf(segment, exact, by.wrapped), ...bounds, all ? open : amount, bound]
  const swapping = coder.encode([`(address,${pathKeys},${types}uint128,uint128)`], [params])
  const settle = coder.encode(['address', 'uint256', 'bool'], [takes, all ? everything : open, byAccount])
  // an exact output is taken by its amount: a pool that ran dry gives less without a word, and then this reverts
  const take = coder.encode(['address', 'address', 'uint256'], [gives, to, exact === 'in' ? open : amount])
  const plan = [
    [actions.swap[exact], swapping],
    [actions.settle, settle],
    [actions.take, take],
  ] as const
  // what the router holds is put in before it is swapped, as its amount is not known here
  const [first, second, third] = plan
  const ordered = all ? [second, first, third] : plan
  return command(commands.v4, ['bytes', 'bytes[]'], [codesOf(ordered), ordered.map(([, input]) => input)])
}
/** One byte each. */
export const codesOf = (plan: readonly (readonly [code: number, input: string])[]): Hex =>
  `0x${plan.map(([code]) => code.toString(16).padStart(2, '0')).join('')}`

/** Gives back what the router was given and did not use. */
function refund({ pay, account }: Trade, wrapped: Address): readonly Command[] {
  if (pay.native) return [unwrap(itself), sweep(zero, account, 0n)]
  return [...(pay.address === wrapped ? [wrap(itself, everything)] : []), sweep(pay.address, account, 0n)]
}

/**
 * Routes one after the other. One alone pays out to the account and is bound itself. Of several the router gathers what
 * they give, and the bound holds for what it gathered: one may do worse than its share of it if another does better.
 */
export function commandsIn(parts: readonly Part[], trade: Trade, by: By): readonly Command[] {
  const { pay, get, bound, account } = trade
  const { wrapped } = by
  const wanted = get.native ? zero : get.address
  const several = parts.length > 1
  const [end, least] = several ? [itself, 0n] : [account, bound]
  let held = pay.native
  const plan = parts.flatMap(({ segments, amount }): readonly Command[] => {
    const takes = segments[0]?.takes
    const byAccount = !pay.native && takes === pay.address
    const first: Command[] = []
    if (pay.native && takes === wrapped) first.push(wrap(itself, amount))
    if (!pay.native && !byAccount) {
      first.push(pull(pay.address, amount), unwrap(itself))
      held = true
    }
    const rest = segments.flatMap((segment, n): readonly Command[] => {
      const next = segments[n + 1]
      const target = next?.takes ?? wanted
      const arrives = segment.gives === target
      const made = swap({
        segment,
        exact: 'in',
        amount: n === 0 ? amount : everything,
        bound: next === undefined ? least : 0n,
        to: next === undefined && arrives ? end : itself,
        byAccount: n === 0 && byAccount,
        by,
      })
      if (arrives) return [made]
      const to = next === undefined ? end : itself
      return [made, target === zero ? unwrap(to) : wrap(to, everything)]
    })
    return [...first, ...rest]
  })
  const gathered = several ? [sweep(wanted, account, bound)] : []
  return [...plan, ...gathered, ...(held ? refund(trade, wrapped) : [])]
}

/**
 * One route alone is paid by the account, up to the bound. For several the router takes the whole bound first, which so
 * holds for their sum, and gives back the rest.
 */
export function commandsOut(parts: readonly Part[], trade: Trade, by: By): readonly Command[] {
  const { pay, get, bound, account } = trade
  const { wrapped } = by
  const wanted = get.native ? zero : get.address
  const ways = parts.flatMap(({ segments: [segment], amount }) => (segment === undefined ? [] : [{ segment, amount }]))
  const byAccount = !pay.native && ways.length === 1 && ways[0]?.segment.takes === pay.address
  const swaps = (takes: Address) =>
    ways
      .filter(({ segment }) => segment.takes === takes)
      .flatMap(({ segment, amount }): readonly Command[] => {
        const arrives = segment.gives === wanted
        const to = arrives ? account : itself
        const made = swap({ segment, exact: 'out', amount, bound, to, byAccount, by })
        if (arrives) return [made]
        return [made, wanted === zero ? unwrap(account) : wrap(account, amount)]
      })
  if (byAccount) return swaps(pay.address)
  // the form that the bound comes in is spent first; what is left is turned into the other for the pools that hold that
  const other = pay.native ? wrapped : zero
  const others = pay.native || pay.address === wrapped ? swaps(other) : []
  const turn = others.length === 0 ? [] : [pay.native ? wrap(itself, everything) : unwrap(itself)]
  return [
    ...(pay.native ? [] : [pull(pay.address, bound)]),
    ...swaps(pay.native ? zero : pay.address),
    ...turn,
    ...others,
    ...refund(trade, wrapped),
  ]
}
