import { type Commit, type CommitHead, decodeCommit, stretches } from '../../runtime/commit.ts'
import { committedRows } from '../../runtime/outputs.ts'
import type { Plan } from '../../runtime/plan.ts'
import { type Input, said } from './plans.ts'
import type { Stored } from './server.ts'

/** What a history must have left behind. */
export interface Expected {
  readonly plan: Plan
  readonly inputs: readonly (readonly Input[])[]
  /** The outputs, in order, where the inputs were taken in an order. */
  readonly outputs: (taken: readonly Input[]) => readonly string[]
}

/** What is wrong with the streams of a history that has ended; null where nothing is. */
export function verdict(
  { plan, inputs, outputs }: Expected,
  written: readonly (readonly Stored[])[],
  stage: readonly Stored[],
): string | null {
  for (const [i, of] of inputs.entries()) {
    const records = written[i] as readonly Stored[]
    if (records.length !== of.length) return `input ${i} has ${records.length} records, expected ${of.length}`
    const wrong = of.findIndex(({ data }, n) => records[n]?.data !== data)
    if (wrong >= 0) return `input ${i} holds another record at ${wrong + 1}`
  }
  const taken: Input[] = []
  const found: string[] = []
  let before: CommitHead | undefined
  for (const [n, { data }] of stage.entries()) {
    const commit = decoded(data, n + 1)
    if (typeof commit === 'string') return commit
    const { head, outputs } = commit
    const broken = follows(head, before)
    if (broken !== null) return `commit ${n + 1} ${broken}`
    for (const { input, from, to } of stretches(head))
      taken.push(...(inputs[input] as readonly Input[]).slice(from - 1, to))
    for (const { id, value } of committedRows(plan, n + 1, outputs)) found.push(said(id, value))
    before = head
  }
  for (const [i, of] of inputs.entries()) {
    const to = before?.inputs[i]?.to ?? 0
    if (to !== of.length) return `input ${i} was taken up to ${to}, expected ${of.length}`
  }
  const expected = outputs(taken)
  for (let n = 0; n < Math.max(expected.length, found.length); n++)
    if (expected[n] !== found[n]) return `output ${n + 1}: expected ${expected[n]}, found ${found[n]}`
  return null
}

function decoded(data: Uint8Array, seq: number): Commit | string {
  try {
    return decodeCommit(data, seq)
  } catch (error) {
    return (error as Error).message
  }
}

/** A commit goes on where the one before it stopped, and an owner begins with one of its own that takes nothing. */
function follows(head: CommitHead, before: CommitHead | undefined): string | null {
  for (const [i, { from, to }] of head.inputs.entries()) {
    const due = (before?.inputs[i]?.to ?? 0) + 1
    if (from !== due || to < from - 1) return `takes ${from} to ${to} of input ${i}, expected from ${due}`
  }
  const first = head.inputs.every(({ from, to }) => to === from - 1)
  const epoch = (before?.epoch ?? 0) + (first ? 1 : 0)
  if (head.epoch !== epoch) return `is of epoch ${head.epoch}, expected ${epoch}`
  if (head.owner === undefined || (head.owner === before?.owner) === first)
    return `is by ${head.owner ?? 'nobody'} after ${before?.owner ?? 'nobody'}, and takes ${first ? 'nothing' : 'inputs'}`
  return null
}
