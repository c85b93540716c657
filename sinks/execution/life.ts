import { orderSteps } from '../../schemas/orders.ts'

type Told = (typeof orderSteps)[number]
/** Steps that lead to a phase of another name; every other one has the name of the phase it leads to. */
const leads = { dropped: 'signed', reorged: 'signed' } as const satisfies Readonly<Partial<Record<Told, Told>>>
export type Phase = Exclude<Told, keyof typeof leads>
/**
 * The life of an order, the same on a chain and in simulation: `received → planned → simulated → signed → sent → seen →
 * included → final → settled`. What goes wrong ends elsewhere. From `signed` on the order may be executed whatever we
 * do: only the chain, or proof that it never will, ends it.
 */
export const phases = orderSteps.filter((step): step is Phase => !(step in leads))

/** What can happen to an order, and where it must stand for that. */
export const steps = {
  planned: ['received', 'planned', 'simulated'],
  simulated: ['planned'],
  /** The first attempt, or one more for the same place in the chain: dearer, or one that cancels. */
  signed: ['simulated', 'signed', 'sent', 'seen'],
  /** A node was given the bytes, whatever it said. */
  sent: ['signed', 'sent', 'seen'],
  seen: ['signed', 'sent', 'seen'],
  /** No node has it any more, and no block does: the same bytes are sent again. */
  dropped: ['sent', 'seen'],
  included: ['signed', 'sent', 'seen', 'included'],
  /** Its block, or that of what took its place, is no longer in the chain: what had ended by it is under way again. */
  reorged: ['included', 'settled', 'reverted', 'refunded', 'cancelled', 'conflict'],
  final: ['included'],
  settled: ['final'],
  reverted: ['final'],
  refunded: ['final'],
  cancelled: ['final'],
  rejected: ['received', 'planned', 'simulated'],
  expired: ['received', 'planned', 'simulated'],
  /** Proof that what was signed can never be executed. */
  dead: ['signed', 'sent', 'seen'],
  /** Something else of the same signer took its place in the chain. */
  conflict: ['signed', 'sent', 'seen'],
  lost: ['signed', 'sent', 'seen', 'included', 'final'],
} as const satisfies Readonly<Record<Exclude<Told, 'received'>, readonly Phase[]>>
export type Step = keyof typeof steps

/** Nothing can happen any more to an order that stands there, as long as its block stands. */
const ends: ReadonlySet<Phase> = new Set(
  phases.filter(
    (phase) => !Object.entries(steps).some(([step, from]) => step !== 'reorged' && from.includes(phase as never)),
  ),
)

export const hasEnded = (phase: Phase): boolean => ends.has(phase)
/** Whether bytes exist that would execute it. */
export const mayExecute = (phase: Phase): boolean =>
  !ends.has(phase) && phase !== 'received' && phase !== 'planned' && phase !== 'simulated'
export const isLegal = (phase: Phase, step: Step): boolean => (steps[step] as readonly Phase[]).includes(phase)

/** Where an order stands, in numbers alone, so that a simulated venue can keep it. */
export interface Life {
  readonly phase: Phase
  /** How many transactions have been signed for it. */
  readonly attempts: number
  /** The block that holds it, 0 where none does. */
  readonly block: number
}
export const born: Life = { phase: 'received', attempts: 0, block: 0 }

export class IllegalStep extends Error {}

/** @throws IllegalStep where nothing like that can happen to an order that stands there */
export function reduce(life: Life, step: Step, block = 0): Life {
  if (!isLegal(life.phase, step)) throw new IllegalStep(`an order that is ${life.phase} cannot be ${step}`)
  const phase: Phase = step in leads ? leads[step as keyof typeof leads] : (step as Phase)
  // A node may be given the bytes again though another has them in its pool.
  const at = step === 'sent' && life.phase === 'seen' ? 'seen' : phase
  return {
    phase: at,
    attempts: step === 'signed' ? life.attempts + 1 : life.attempts,
    block: step === 'included' ? block : step === 'reorged' ? 0 : life.block,
  }
}
