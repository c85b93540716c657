import { describe, expect, test } from 'vitest'
import { type Action, decide, type Found, type Rules, type Sight } from './decide.ts'
import type { EventOf, OrderEvent } from './entry.ts'
import { fold, type Order } from './order.ts'
import { includedOf, intentOf, planned, receivedOf, signedOf, simulated } from './sample_entries.ts'

const rules: Rules = { confirmations: 12, stuck_after: 3, cancel_after: 60e6, max_fee: 10_000n, max_gas_cost: 0n }
const now = intentOf('a').received
const deadline = now + 120e6
const plan = { ...planned, deadline }
const orderOf = (...events: readonly OrderEvent[]): Order =>
  events.reduce<Order | undefined>((order, event) => fold(order, now, event), undefined) as Order
const signed = [receivedOf('a'), plan, simulated, signedOf(7)] as const
const sent = (attempt = 1, block = 100): OrderEvent => ({
  ...{ type: 'sent', attempt, endpoint: 'a', outcome: 'accepted', code: '', block },
})
const seen = (attempt = 1): OrderEvent => ({ type: 'seen', attempt })
const reorged = (block = 100): OrderEvent => ({ type: 'reorged', block, block_hash: '0xb1' })
const cancel = signedOf(7, 2, { purpose: 'cancel', block: 110 })

const absent: Found = { is: 'absent' }
const pending: Found = { is: 'pending' }
const found = (attempt = 1, more: Partial<EventOf<'included'>> = {}): Found => ({
  ...{ is: 'included', event: includedOf(attempt, more) },
})
/** The nonce of the order is free in it. */
const sight = (attempts: readonly Found[], more: Partial<Sight> = {}): Sight => ({
  ...{ head: 101, head_at: now, base_fee: 100n, taken: 7, taken_for_good: 7, attempts },
  ...more,
})
const send = (attempt: number): Action => ({ do: 'send', attempt })
const bump = (purpose: 'act' | 'cancel'): Action => ({ do: 'bump', purpose })
const record = (event: OrderEvent): Action => ({ do: 'record', event })
const wait: Action = { do: 'wait' }
const prepare: Action = { do: 'prepare' }

type Case = readonly [
  name: string,
  events: readonly OrderEvent[],
  sight: Sight | undefined,
  action: Action,
  at?: number,
]
const cases = (all: readonly Case[]) => {
  for (const [name, events, given, action, at = now] of all)
    test(name, () => expect(decide(orderOf(...events), given, rules, at)).toEqual(action))
}

const { expires } = intentOf('a')
describe('before it is signed', () => {
  cases([
    ['a new order is prepared', [receivedOf('a')], undefined, prepare],
    ['a planned one is prepared anew', [receivedOf('a'), plan], undefined, prepare],
    ['a simulated one is prepared anew', [receivedOf('a'), plan, simulated], undefined, prepare],
    ['just before it expires it is prepared', [receivedOf('a')], undefined, prepare, expires - 1],
    ['then it expires', [receivedOf('a')], undefined, record({ type: 'expired' }), expires],
    ['also when it was simulated', [receivedOf('a'), plan, simulated], undefined, record({ type: 'expired' }), expires],
  ])
})

describe('signed, and not in a block', () => {
  const dear = { base_fee: 1001n }
  const late = { head_at: deadline + 60e6 + 1 }
  const lost = [...signed, sent(), includedOf(1), reorged(118)]
  cases([
    ['it is sent, though the order has expired and without asking', signed, undefined, send(1), expires + 1],
    ['nobody was given it before its deadline: the chain is asked', signed, undefined, wait, deadline + 1],
    ['and its place is taken back', signed, sight([absent]), bump('cancel'), deadline + 1],
    ['after those before it', signed, sight([absent], { taken: 6 }), wait, deadline + 1],
    ['somebody was given it after all', signed, sight([pending]), record(seen()), deadline + 1],
    ['that is sent whatever the time', [...signed, cancel], undefined, send(2), deadline + 1],
    [
      'as dear as may be, it goes out for the contract to refuse',
      [receivedOf('a'), plan, simulated, signedOf(7, 1, { max_fee: '9000' })],
      sight([absent]),
      send(1),
      deadline + 1,
    ],
    ['sent, it waits for a node to say something', [...signed, sent()], undefined, wait],
    ['no node has it: again with the next block', [...signed, sent()], sight([absent]), send(1)],
    ['and not before', [...signed, sent()], sight([absent], { head: 100 }), wait],
    ['a node that lags is asked for nothing', [...signed, sent(1, 105)], sight([absent]), wait],
    ['it was sent at a block that never was', [...signed, sent(1, 1_000_000)], sight([absent]), send(1)],
    ['a node has it', [...signed, sent()], sight([pending]), record(seen())],
    ['and still has it', [...signed, sent(), seen()], sight([pending]), wait],
    ['and has it no more', [...signed, sent(), seen()], sight([absent]), record({ type: 'dropped', attempt: 1 })],
    ['a node that lags never had it', [...signed, sent(1, 105), seen()], sight([absent]), wait],
    [
      'after that it is sent again',
      [...signed, sent(), seen(), { type: 'dropped', attempt: 1 }],
      sight([absent]),
      send(1),
    ],
    ['dearer after its patience', [...signed, sent(), seen()], sight([pending], { head: 109 }), bump('act')],
    ['and not before', [...signed, sent(), seen()], sight([pending], { head: 108 }), wait],
    [
      'sooner where blocks cost more than it offers',
      [...signed, sent(), seen()],
      sight([pending], { head: 103, ...dear }),
      bump('act'),
    ],
    ['and not at once', [...signed, sent(), seen()], sight([pending], { head: 102, ...dear }), wait],
    [
      'dearer too where it is sent with every block and no node keeps it',
      [...signed, ...Array.from({ length: 9 }, (_, i) => sent(1, 100 + i))],
      sight([absent], { head: 109 }),
      bump('act'),
    ],
    [
      'its patience begins when it is first sent',
      [...signed, sent(1, 200), seen()],
      sight([pending], { head: 208 }),
      wait,
    ],
    ['and anew when its block is taken back', lost, sight([absent], { head: 119 }), send(1)],
    [
      'as dear as may be, it stays',
      [receivedOf('a'), plan, simulated, signedOf(7, 1, { max_fee: '9000' }), sent(), seen()],
      sight([pending], { head: 500 }),
      wait,
    ],
    [
      'behind another of the signer it stays',
      [...signed, sent(), seen()],
      sight([pending], { head: 500, taken: 6 }),
      wait,
    ],
    [
      'its place is taken back when its time is over',
      [...signed, sent(), seen()],
      sight([pending], late),
      bump('cancel'),
    ],
    [
      'and not on the last microsecond',
      [...signed, sent(), seen()],
      sight([pending], { head_at: late.head_at - 1 }),
      wait,
    ],
    [
      'one that never ends is not taken back',
      [receivedOf('a'), planned, simulated, signedOf(7), sent(), seen()],
      sight([pending], late),
      wait,
    ],
    ['taking back is sent', [...signed, sent(), seen(), cancel], undefined, send(2)],
    [
      'taking back is not taken back',
      [...signed, sent(), cancel, sent(2, 110), seen(2)],
      sight([absent, pending], { head: 111, ...late }),
      wait,
    ],
    [
      'but made dearer',
      [...signed, sent(), cancel, sent(2, 110), seen(2)],
      sight([absent, pending], { head: 119, ...late }),
      bump('cancel'),
    ],
    [
      'the newest that a node has is told',
      [...signed, sent(), cancel, sent(2, 110)],
      sight([pending, pending], { head: 111 }),
      record(seen(2)),
    ],
    [
      'the newest is what is sent again',
      [...signed, sent(), cancel, sent(2, 110)],
      sight([absent, absent], { head: 111 }),
      send(2),
    ],
  ])
})

test('dearer up to what its gas may cost in all, taking back too', () => {
  const order = orderOf(...signed, sent(), seen())
  const late = sight([pending], { head: 109, head_at: deadline + 60e6 + 1 })
  const gas = 150_000n
  const at = (max_gas_cost: bigint, seen = sight([pending], { head: 109 })) =>
    decide(order, seen, { ...rules, max_gas_cost }, now)
  expect(at(gas * 1125n)).toEqual(bump('act'))
  expect(at(gas * 1125n - 1n)).toEqual(wait)
  expect(at(21_000n * 1125n, late)).toEqual(bump('cancel'))
  expect(at(21_000n * 1125n - 1n, late)).toEqual(wait)
})

describe('something has its place', () => {
  const taken = { head: 130, taken: 8 }
  cases([
    ['something else, lately', [...signed, sent()], sight([absent], taken), wait],
    [
      'something else, for good',
      [...signed, sent()],
      sight([absent], { ...taken, taken_for_good: 8 }),
      { do: 'investigate' },
    ],
    ['itself', [...signed, sent()], sight([found()], { ...taken, taken_for_good: 8 }), record(includedOf(1))],
    [
      'itself, though the node that told of it never had it before',
      [...signed, sent(), seen()],
      sight([found()], taken),
      record(includedOf(1)),
    ],
    [
      'an earlier attempt',
      [...signed, sent(), cancel, sent(2, 110)],
      sight([found(), absent], taken),
      record(includedOf(1)),
    ],
  ])
})

describe('in a block', () => {
  const held = [...signed, sent(), includedOf(1)]
  const deep = { head: 112, taken: 8, taken_for_good: 8 }
  const other = found(1, { block: 99, block_hash: '0xb2' })
  const final = (...more: readonly OrderEvent[]) => [...more, { type: 'final', head: 112 }] as readonly OrderEvent[]
  const failed = includedOf(1, { status: 'failed' })
  cases([
    ['too few stand on it', held, sight([found()], { head: 111 }), wait],
    ['enough stand on it', held, sight([found()], deep), record({ type: 'final', head: 112 })],
    ['a head that the count so deep does not bear out', held, sight([found()], { ...deep, taken_for_good: 7 }), wait],
    ['the block is gone', held, sight([absent], { head: 100 }), record(reorged())],
    ['the node has not come so far', held, sight([absent], { head: 99 }), wait],
    ['it is in another block', held, sight([other], { head: 100 }), record(reorged())],
    ['it is in another block of a node that has not come so far', held, sight([other], { head: 99 }), wait],
    [
      'another attempt is in a block',
      [...signed, sent(), cancel, includedOf(1)],
      sight([absent, found(2)], { head: 130 }),
      record(reorged()),
    ],
    ['nobody says anything', held, undefined, wait],
    ['final, it is settled without asking', final(...held), undefined, record({ type: 'settled' })],
    [
      'final, it failed',
      final(...signed, sent(), failed),
      undefined,
      record({ type: 'reverted', reason: 'the transaction reverted' }),
    ],
    [
      'final, it was taken back',
      final(...signed, sent(), cancel, includedOf(2)),
      undefined,
      record({ type: 'cancelled' }),
    ],
    [
      'final, it was not taken back in time',
      final(...signed, sent(), cancel, includedOf(1)),
      undefined,
      record({ type: 'settled' }),
    ],
    ['ended, there is nothing to do', [...final(...held), { type: 'settled' }], sight([absent], { head: 500 }), wait],
  ])
  test('why it failed is told where it is known', () => {
    const failure = { code: 'SLIPPAGE', reason: 'too little' }
    expect(
      decide(orderOf(...final(...signed, includedOf(1, { status: 'failed', failure }))), undefined, rules, now),
    ).toEqual(record({ type: 'reverted', ...failure }))
  })
})
