import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Action, decide, type Found, mostFor, type Rules, raised, type Sight } from './decide.ts'
import type { OrderEvent } from './entry.ts'
import { hasEnded, isLegal, type Step, steps } from './life.ts'
import { type Attempt, attemptOf, fold, newestOf, nonceOf, type Order } from './order.ts'
import { includedOf, intentOf, planned, receivedOf, signedOf, simulated } from './sample_entries.ts'

const now = intentOf('a').received
const block = fc.integer({ min: 95, max: 130 })
const hash = fc.constantFrom('0xb1', '0xb2')
const fee = fc.integer({ min: 0, max: 5000 })

/** Orders that came about by any legal steps, far more often than not those that happen. */
const order = fc
  .array(fc.record({ step: fc.nat(), block, hash, fee, attempt: fc.nat(), rare: fc.nat(39), timed: fc.boolean() }), {
    ...{ minLength: 1, maxLength: 14, size: 'max' },
  })
  .map((draws) => {
    let made = fold(undefined, now, receivedOf('a'))
    for (const draw of draws) {
      const rare: readonly Step[] = ['rejected', 'expired', 'dead', 'conflict', 'lost', 'refunded']
      const legal = (Object.keys(steps) as Step[]).filter((step) => isLegal(made.life.phase, step))
      const usual = legal.filter(
        (step) => !rare.includes(step) && (step !== 'planned' || made.life.phase === 'received'),
      )
      const from = draw.rare === 0 ? legal : usual
      const step = from[draw.step % from.length]
      if (step !== undefined) made = fold(made, now, eventOf(made, step, draw))
    }
    return made
  })
interface Draw {
  readonly block: number
  readonly hash: string
  readonly fee: number
  readonly attempt: number
  readonly timed: boolean
}
function eventOf(made: Order, step: Step, { block, hash, fee, attempt: n, timed }: Draw): OrderEvent {
  const attempt = 1 + (n % Math.max(1, made.attempts.length))
  switch (step) {
    case 'planned':
      return { ...planned, deadline: timed ? now + 5e6 : 0 }
    case 'simulated':
      return simulated
    case 'signed': {
      const tip = `${Math.floor(fee / 3)}`
      const purpose = timed && made.attempts.length > 0 ? 'cancel' : 'act'
      return signedOf(7, made.attempts.length + 1, { block, max_fee: `${fee}`, tip, purpose })
    }
    case 'sent':
      return {
        type: 'sent',
        attempt: n % 4 === 0 ? attempt : made.attempts.length,
        endpoint: 'a',
        outcome: 'accepted',
        code: '',
        block,
      }
    case 'seen':
    case 'dropped':
      return { type: step, attempt }
    case 'included':
      return includedOf(attempt, { block, block_hash: hash, status: timed ? 'ok' : 'failed' })
    case 'reorged':
      return { type: 'reorged', block: made.life.block, block_hash: '0xb1' }
    case 'final':
      return { type: 'final', head: block }
    case 'conflict':
      return { type: 'conflict', reason: '', by: '' }
    case 'rejected':
      return { type: 'rejected', code: '', reason: '' }
    case 'reverted':
    case 'refunded':
    case 'dead':
    case 'lost':
      return { type: step, reason: '' }
    default:
      return { type: step }
  }
}

const rules: fc.Arbitrary<Rules> = fc.record({
  confirmations: fc.integer({ min: 1, max: 15 }),
  stuck_after: fc.integer({ min: 1, max: 4 }),
  cancel_after: fc.constantFrom(0, 1e6),
  max_fee: fc.integer({ min: 0, max: 30_000 }).map(BigInt),
  max_gas_cost: fc.constantFrom(0n, 0n, 10n ** 9n),
})
/** Anything a node could say of an order, whether or not it can be true. */
const scene = fc
  .record({
    order,
    rules,
    head: block,
    at: fc.nat(20),
    base_fee: fee,
    taken: fc.constantFrom(0, 1, 1, 1, 2, 3),
    deep: fc.nat(3),
    now: fc.nat(100),
  })
  .chain(({ order, rules, head, at, base_fee, taken, deep, now: after }) => {
    const found: fc.Arbitrary<Found> = fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom<Found>({ is: 'absent' }, { is: 'absent' }, { is: 'pending' }) },
      { weight: 1, arbitrary: fc.constant<Found>({ is: 'included', event: order.inclusion ?? includedOf(1) }) },
      {
        weight: 1,
        arbitrary: fc
          .record({ block, block_hash: hash })
          .map((more): Found => ({ is: 'included', event: includedOf(1, more) })),
      },
    )
    const n = order.attempts.length
    return fc.array(found, { minLength: n, maxLength: n }).map((all) => {
      const attempts = all.map((one, i) =>
        one.is === 'included' ? { ...one, event: { ...one.event, attempt: i + 1 } } : one,
      )
      const time = { head, head_at: now + at * 1e6, base_fee: BigInt(base_fee) }
      const sight: Sight = { ...time, taken: 6 + taken, taken_for_good: 6 + Math.min(taken, deep), attempts }
      return { order, rules, sight, now: now + after * 1e6 }
    })
  })

test('what is decided is right, whatever stands and whatever a node says', () => {
  const done = new Map<string, number>()
  fc.assert(
    fc.property(scene, fc.nat(9), ({ order, rules, sight, now: at }, blind) => {
      const seen = blind === 0 ? undefined : sight
      const action = decide(order, seen, rules, at)
      const name = action.do === 'record' ? action.event.type : action.do
      done.set(name, (done.get(name) ?? 0) + 1)
      expectRight(action, order, seen, rules, at)
    }),
    { numRuns: 30_000 },
  )
  // nothing that can be decided was left out
  const all = [
    'wait',
    'prepare',
    'send',
    'bump',
    'investigate',
    'expired',
    'seen',
    'dropped',
    'included',
    'reorged',
    'final',
  ]
  for (const name of [...all, 'settled', 'reverted', 'cancelled']) expect(done.get(name) ?? 0, name).toBeGreaterThan(5)
})

function expectRight(action: Action, order: Order, sight: Sight | undefined, rules: Rules, at: number): void {
  const { phase } = order.life
  const newest = newestOf(order)
  if (hasEnded(phase)) expect(action.do).toBe('wait')
  switch (action.do) {
    case 'prepare':
      expect([order.attempts.length, at < order.intent.expires]).toEqual([0, true])
      return
    case 'send':
      expect(action.attempt).toBe(newest?.attempt)
      expect(isLegal(phase, 'sent')).toBe(true)
      // again only in a newer block, and only where no node has any of it
      if (newest?.sends !== 0) {
        expect(sight?.head).toBeGreaterThan(newest?.sent ?? Number.POSITIVE_INFINITY)
        expect(sight?.attempts.every(({ is }) => is === 'absent')).toBe(true)
      }
      return
    case 'bump':
      expect(isLegal(phase, 'signed') && phase !== 'simulated').toBe(true)
      expect(sight?.taken).toBe(nonceOf(order))
      if (newest?.sends === 0) expect([action.purpose, at > (order.plan?.deadline ?? at)]).toEqual(['cancel', true])
      expect(dearer(action.purpose, newest as NonNullable<typeof newest>, sight, rules)).toBeDefined()
      if (newest?.purpose === 'cancel') expect(action.purpose).toBe('cancel')
      return
    case 'investigate':
      expect(sight?.taken_for_good).toBeGreaterThan(nonceOf(order) as number)
      expect(sight?.attempts.some(({ is }) => is === 'included')).toBe(false)
      return
    case 'record':
      // what is recorded can be read again
      fold(order, at, action.event)
      expectTrue(action.event, order, sight, rules, at)
      return
    case 'wait':
      // nobody is left to wait who has not signed, or has signed and not sent
      expect(order.attempts.length > 0 || hasEnded(phase)).toBe(true)
      // or not before its deadline, unless something has its nonce
      if (isLegal(phase, 'sent') && newest?.sends === 0 && (sight?.taken ?? 0) <= newest.nonce) {
        expect(at).toBeGreaterThan(order.plan?.deadline ?? at)
        const out = sight?.attempts.some(({ is }) => is === 'pending')
        expect(out === true || sight?.taken !== nonceOf(order)).toBe(true)
      }
  }
}

function expectTrue(event: OrderEvent, order: Order, sight: Sight | undefined, { confirmations }: Rules, at: number) {
  const { inclusion, life } = order
  const told = sight?.attempts.flatMap((one) => (one.is === 'included' ? [one.event] : [])) ?? []
  switch (event.type) {
    case 'expired':
      expect([order.attempts.length, at >= order.intent.expires]).toEqual([0, true])
      return
    case 'included':
      expect(told).toContainEqual(event)
      return
    case 'reorged':
      expect(event).toMatchObject({ block: inclusion?.block, block_hash: inclusion?.block_hash })
      expect(sight?.head).toBeGreaterThanOrEqual(inclusion?.block ?? Number.POSITIVE_INFINITY)
      return
    case 'final':
      expect(life.phase).toBe('included')
      expect(told[0]).toMatchObject({ block_hash: inclusion?.block_hash, attempt: inclusion?.attempt })
      expect((sight?.head ?? 0) - (told[0]?.block ?? Number.POSITIVE_INFINITY)).toBeGreaterThanOrEqual(confirmations)
      expect(sight?.taken_for_good).toBeGreaterThan(nonceOf(order) as number)
      return
    case 'seen':
      expect(sight?.attempts[event.attempt - 1]?.is).toBe('pending')
      return
    case 'dropped':
      expect(sight?.attempts.every(({ is }) => is === 'absent')).toBe(true)
      return
    default: {
      expect(life.phase).toBe('final')
      const ok = inclusion?.status === 'ok' ? 'settled' : 'reverted'
      expect(event.type).toBe(attemptOf(order)?.purpose === 'cancel' ? 'cancelled' : ok)
    }
  }
}

const dearer = (purpose: 'act' | 'cancel', newest: Attempt, sight: Sight | undefined, rules: Rules) =>
  raised(newest, sight?.base_fee ?? 0n, mostFor(purpose, newest, rules))

test('what is done about one look comes to an end', () => {
  fc.assert(
    fc.property(scene, ({ order, rules, sight, now: at }) => {
      let here = order
      for (let n = 0; n < 8; n++) {
        const action = decide(here, sight, rules, at)
        if (action.do !== 'record' && action.do !== 'bump') return
        const newest = newestOf(here)
        const fees = newest && action.do === 'bump' ? dearer(action.purpose, newest, sight, rules) : undefined
        const offer = { block: sight.head, max_fee: `${fees?.max_fee}`, tip: `${fees?.tip}` }
        const event =
          action.do === 'record'
            ? action.event
            : signedOf(7, here.attempts.length + 1, { purpose: action.purpose, ...offer })
        here = fold(here, at, event)
      }
      expect.fail(`still at it, ${here.life.phase}`)
    }),
    { numRuns: 10_000 },
  )
})
