import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  born,
  hasEnded,
  IllegalStep,
  isLegal,
  type Life,
  mayExecute,
  type Phase,
  phases,
  reduce,
  type Step,
  steps,
} from './life.ts'

const signed = ['sent', 'seen', 'included', 'dead', 'conflict', 'lost', 'signed'] as const
const unsigned = ['planned', 'rejected', 'expired'] as const
/** Written by hand from the other side: what can happen to an order that stands there, and nothing else. */
const table: Readonly<Record<Phase, readonly Step[]>> = {
  received: unsigned,
  planned: [...unsigned, 'simulated'],
  simulated: [...unsigned, 'signed'],
  signed,
  sent: [...signed, 'dropped'],
  seen: [...signed, 'dropped'],
  included: ['included', 'reorged', 'final', 'lost'],
  final: ['settled', 'reverted', 'refunded', 'cancelled', 'lost'],
  ...{ settled: ['reorged'], reverted: ['reorged'], refunded: ['reorged'], cancelled: ['reorged'] },
  ...{ rejected: [], expired: [], dead: [], conflict: ['reorged'], lost: [] },
}
const all = Object.keys(steps) as Step[]
const leadsTo = (phase: Phase, step: Step): Phase => {
  if (step === 'dropped' || step === 'reorged') return 'signed'
  return step === 'sent' && phase === 'seen' ? 'seen' : step
}

test.each(phases)('what can happen to an order that is %s, and what cannot', (phase) => {
  for (const step of all) {
    const life: Life = { phase, attempts: 1, block: 0 }
    expect(isLegal(phase, step), step).toBe(table[phase].includes(step))
    if (isLegal(phase, step)) expect(reduce(life, step).phase).toBe(leadsTo(phase, step))
    else expect(() => reduce(life, step), step).toThrow(IllegalStep)
  }
})

test('an order that has ended stays as it is unless its block goes, and every other one can go on', () => {
  for (const phase of phases)
    expect(hasEnded(phase)).toBe(table[phase].every((step) => phase !== 'included' && step === 'reorged'))
})

test('once signed it is never rejected, never expired, never planned anew', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...all), { maxLength: 200 }), (tries) => {
      let life = born
      let was_signed = false
      for (const step of tries) {
        if (!isLegal(life.phase, step)) continue
        life = reduce(life, step, 7)
        was_signed ||= step === 'signed'
        if (was_signed) expect(['received', 'planned', 'simulated', 'rejected', 'expired']).not.toContain(life.phase)
        expect(mayExecute(life.phase)).toBe(was_signed && !hasEnded(life.phase))
        expect(life.attempts > 0).toBe(was_signed)
      }
    }),
    { numRuns: 500 },
  )
})

test('attempts are counted, and its block is the one that holds it', () => {
  const lives: Life[] = [born]
  const step = (name: Step, block?: number) => lives.push(reduce(lives.at(-1) as Life, name, block))
  for (const name of ['planned', 'simulated', 'signed', 'sent', 'signed'] as const) step(name)
  step('included', 9)
  step('reorged')
  step('sent')
  step('included', 10)
  step('final')
  step('settled')
  expect(lives.map(({ attempts }) => attempts)).toEqual([0, 0, 0, 1, 1, 2, 2, 2, 2, 2, 2, 2])
  expect(lives.map(({ block }) => block)).toEqual([0, 0, 0, 0, 0, 0, 9, 0, 0, 10, 10, 10])
})
