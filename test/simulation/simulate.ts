import { history } from './history.ts'
import { type Code, real } from './processes.ts'

export interface SimulationResult {
  readonly histories: number
  /** Processes that died in the middle of their work. */
  readonly crashes: number
  /** Owners and writers that went on while another had begun. */
  readonly zombies: number
  /** Records that reached the server without their sender learning what became of them. */
  readonly lost_answers: number
  /** Messages that were refused because the stream had moved on. */
  readonly conflicts: number
  readonly wrong: number
  /** The seed of that history, and what was wrong. */
  readonly first_wrong: string | null
}
export const nothing: SimulationResult = {
  histories: 0,
  crashes: 0,
  zombies: 0,
  lost_answers: 0,
  conflicts: 0,
  wrong: 0,
  first_wrong: null,
}
export const sum = (a: SimulationResult, b: SimulationResult): SimulationResult => ({
  histories: a.histories + b.histories,
  crashes: a.crashes + b.crashes,
  zombies: a.zombies + b.zombies,
  lost_answers: a.lost_answers + b.lost_answers,
  conflicts: a.conflicts + b.conflicts,
  wrong: a.wrong + b.wrong,
  first_wrong: a.first_wrong ?? b.first_wrong,
})

export interface SimulationOptions {
  readonly histories: number
  /** The seed of the first history; each later one has the next. */
  readonly seed: number
  readonly code?: Code
  /** Stops at the first wrong history. */
  readonly first?: boolean
}

/** Histories one after another, in this thread. */
export async function simulate({
  histories,
  seed,
  code = real,
  first = false,
}: SimulationOptions): Promise<SimulationResult> {
  let all = nothing
  for (let i = 0; i < histories && !(first && all.wrong > 0); i++) {
    const { wrong, ...counts } = await history(seed + i, code)
    const found = { wrong: wrong === null ? 0 : 1, first_wrong: wrong === null ? null : `seed ${seed + i}: ${wrong}` }
    all = sum(all, { ...counts, histories: 1, ...found })
  }
  return all
}
