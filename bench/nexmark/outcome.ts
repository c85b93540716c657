import { median, rounded } from '../support.ts'
import type { InMemory } from './in_memory.ts'
import type { Stored } from './stored.ts'
import type { Together } from './two_workers.ts'

export interface Ratio {
  readonly median: number
  readonly low: number
  readonly high: number
}
/** A query over all rounds: medians, and of ratios, each of one round, the extremes too. */
export interface Outcome {
  readonly answers: number
  readonly events_per_second: {
    readonly raw: number
    readonly engine: number
    readonly stage?: number
    readonly client?: number
    /** Two processes with half the keys each; where no node is of the whole pipeline. */
    readonly two_workers?: number
  }
  readonly two_workers_to_stage?: Ratio
  readonly engine_to_raw: Ratio
  readonly stage_to_engine?: Ratio
  /** What exactly-once processing costs on top of reading and writing. */
  readonly stage_to_client?: Ratio
  /** How much longer a pass takes because its commits are sent and acknowledged. */
  readonly commit_overhead?: number
  readonly commits?: number
  readonly bytes_per_commit?: number
  /** Of our process, not of the server. */
  readonly cpu_seconds_per_million_events?: { readonly stage: number; readonly client: number }
}
export interface Round {
  readonly memory: InMemory
  readonly stored: Stored | undefined
  readonly together: Together | undefined
}

const mid = (values: readonly number[]) => rounded(median(values))
export const ratioOf = (values: readonly number[]): Ratio => ({
  median: mid(values),
  low: rounded(Math.min(...values)),
  high: rounded(Math.max(...values)),
})

export function outcomeOf(rounds: readonly Round[]): Outcome {
  const memories = rounds.map(({ memory }) => memory)
  const raw = mid(memories.map((m) => m.raw_events_per_second))
  const engine = mid(memories.map((m) => m.engine_events_per_second))
  const engine_to_raw = ratioOf(memories.map((m) => m.engine_events_per_second / m.raw_events_per_second))
  const answers = memories[0]!.answers
  const storeds = rounds.flatMap(({ memory, stored, together }) =>
    stored === undefined ? [] : [{ memory, together, ...stored }],
  )
  if (storeds.length === 0) return { answers, events_per_second: { raw, engine }, engine_to_raw }
  const rates = storeds.map(({ stage, client, memory }) => ({
    stage: stage.events / stage.seconds,
    client: stage.events / client.seconds,
    engine: memory.engine_events_per_second,
  }))
  const millions = storeds[0]!.stage.events / 1e6
  const pairs = storeds.flatMap(({ stage, together: t }) =>
    t === undefined ? [] : [{ rate: t.events / t.seconds, alone: stage.events / stage.seconds }],
  )
  return {
    answers,
    events_per_second: {
      raw,
      engine,
      stage: mid(rates.map((r) => r.stage)),
      client: mid(rates.map((r) => r.client)),
      ...(pairs.length > 0 && { two_workers: mid(pairs.map((p) => p.rate)) }),
    },
    ...(pairs.length > 0 && { two_workers_to_stage: ratioOf(pairs.map((p) => p.rate / p.alone)) }),
    engine_to_raw,
    stage_to_engine: ratioOf(rates.map((r) => r.stage / r.engine)),
    stage_to_client: ratioOf(rates.map((r) => r.stage / r.client)),
    commit_overhead: mid(storeds.map(({ stage, uncommitted }) => stage.seconds / uncommitted.seconds - 1)),
    commits: storeds[0]!.stage.commits,
    bytes_per_commit: Math.round(storeds[0]!.stage.commit_bytes / storeds[0]!.stage.commits),
    cpu_seconds_per_million_events: {
      stage: mid(storeds.map(({ stage }) => stage.cpu_seconds / millions)),
      client: mid(storeds.map(({ client }) => client.cpu_seconds / millions)),
    },
  }
}

export function outcomeRow(name: string, o: Outcome): readonly (string | number)[] {
  const millions = (rate: number | undefined) => (rate === undefined ? '' : rounded(rate / 1e6))
  const { raw, engine, stage, client, two_workers } = o.events_per_second
  return [
    name,
    millions(raw),
    millions(engine),
    millions(stage),
    millions(client),
    o.engine_to_raw.median,
    o.stage_to_engine?.median ?? '',
    o.stage_to_client?.median ?? '',
    o.stage_to_client?.low ?? '',
    o.stage_to_client?.high ?? '',
    o.commit_overhead ?? '',
    millions(two_workers),
    o.two_workers_to_stage?.median ?? '',
    o.commits ?? '',
    o.bytes_per_commit === undefined ? '' : Math.round(o.bytes_per_commit / 1000),
  ]
}
