import { type Chance, calm, Chance as Seeded } from './chance.ts'
import { Network } from './network.ts'
import type { Expected } from './oracle.ts'
import { chained, type Input, inputsOf, paired, said, single } from './plans.ts'
import { openStage, real } from './processes.ts'
import { Server, type Stored } from './server.ts'

/** A plan, its inputs, and what was committed before the history begins. */
export interface Scenario extends Expected {
  readonly before: { readonly inputs: number; readonly stage: readonly Stored[] }
}

/** What `single` says to each record, and what it commits, where nothing goes wrong and each record is a step. */
interface CalmRun {
  readonly inputs: readonly Input[]
  readonly said: readonly (readonly string[])[]
  readonly stage: readonly Stored[]
}
export async function calmly(inputs: readonly Input[]): Promise<CalmRun> {
  const server = new Server()
  const network = new Network(server, new Seeded(1), calm)
  server.records('input_0').push(...inputs.map(({ data }) => ({ data, id: '' })))
  const site = { network, code: real, plan: single, inputs: ['input_0'], stage: 'stage', totals: [inputs.length] }
  const steps = async () => {
    const stage = await openStage({ name: 'calm', alive: true }, site)
    const all: string[][] = []
    for (const [i, { data }] of inputs.entries())
      all.push((await stage.step([{ seq: i + 1, data }])).map(({ id, value }) => said(id, value)))
    stage.close()
    return all
  }
  return { inputs, said: await network.finish(steps()), stage: server.records('stage') }
}

const SHORT = 12
/** A stage commits a whole state every 64 commits: these begin just before one. */
const LONG = 74
const BEFORE = 60
const TAPES = 16
const calmRuns = new Map<number, Promise<CalmRun>>()
function calmRun(tape: number, count: number): Promise<CalmRun> {
  let run = calmRuns.get(tape)
  if (run === undefined) {
    run = calmly(inputsOf(single, 0, tape, count))
    calmRuns.set(tape, run)
  }
  return run
}
const pairedTapes = new Map<number, readonly (readonly Input[])[]>()
function pairedTape(tape: number): readonly (readonly Input[])[] {
  const known = pairedTapes.get(tape) ?? [0, 1].map((source) => inputsOf(paired, source, tape, SHORT))
  pairedTapes.set(tape, known)
  return known
}

export async function scenarioOf(chance: Chance): Promise<Scenario> {
  const tape = chance.below(TAPES)
  if (chance.below(2) === 0) {
    const inputs = pairedTape(tape).map((of) => of.slice(0, 1 + chance.below(5)))
    return { plan: paired, inputs, outputs: chained, before: { inputs: 0, stage: [] } }
  }
  const long = chance.below(24) === 0
  const run = await calmRun(long ? TAPES : tape, long ? LONG : SHORT)
  const done = long ? BEFORE : 0
  const inputs = run.inputs.slice(0, done + 2 + chance.below(7))
  return {
    plan: single,
    inputs: [inputs],
    outputs: () => run.said.slice(0, inputs.length).flat(),
    // the first commit is the epoch of its owner
    before: { inputs: done, stage: long ? run.stage.slice(0, done + 1) : [] },
  }
}
