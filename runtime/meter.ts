import type { Network } from './network.ts'

/** A clock of ns, and how many rows and timers pass at most between two that are timed. */
export interface Metering {
  readonly now: () => number
  readonly rows: number
  readonly timers: number
}
/** The first are timed close together: a slow feed tells something soon. Each wait is twice the one before. */
const FIRST = 16
/** How many calls an average remembers: what a node cost while it was compiled is forgotten. */
const REMEMBERED = 64

/** What a node did in this process. */
export interface NodeMetrics {
  readonly node: string
  /** Messages that came to its ports, those included that are old to ports in order; for a source, its rows. */
  readonly in: number
  /** Messages it sent, by port; '' is the one of a component with a single output. */
  readonly out: Readonly<Record<string, number>>
  readonly late: number
  readonly refused: number
  /** Keys it is left out for, because it threw. */
  readonly failed: number
  /** ns per call of late, interpreted, on a sample; null where none was timed. An upper bound for the compiled program. */
  readonly ns_per_call: number | null
}

/**
 * Counts come for nothing: every edge counts what it carries. Time does not: a row in so many, and a timer in so many,
 * is run by the interpreter with a clock around each call.
 */
export class Meter {
  /** The pass at hand is timed. */
  on = false
  readonly now: () => number
  private readonly network: Network
  private readonly metering: Metering | undefined
  /** Per node ns per call, and how many calls were timed. */
  private readonly average: Float64Array
  private readonly calls: Float64Array
  private left = Number.POSITIVE_INFINITY
  private timersLeft = Number.POSITIVE_INFINITY
  private wait = FIRST
  private timersWait = FIRST

  constructor(network: Network, metering: Metering | undefined) {
    this.network = network
    this.metering = metering
    this.now = metering?.now ?? (() => 0)
    this.average = new Float64Array(network.nodes.length)
    this.calls = new Float64Array(network.nodes.length)
    if (metering === undefined) return
    this.left = FIRST
    this.timersLeft = FIRST
  }

  /** How far the compiled loop may go before a row is timed. */
  stretch(from: number, to: number): number {
    return from + Math.min(this.left, to - from)
  }
  took(rows: number): void {
    this.left -= rows
  }
  begin(): void {
    if (this.left > 0) {
      this.left--
      return
    }
    this.on = true
    this.wait = Math.min(2 * this.wait, this.metering?.rows ?? FIRST)
    this.left = this.wait
  }
  end(): void {
    this.on = false
  }
  dueTimer(): boolean {
    if (--this.timersLeft > 0) return false
    this.timersWait = Math.min(2 * this.timersWait, this.metering?.timers ?? FIRST)
    this.timersLeft = this.timersWait
    return true
  }
  /** Runs a pass with the clock on. */
  timed(run: (code: number, at: number) => void, code: number, at: number): void {
    const before = this.on
    this.on = true
    run(code, at)
    this.on = before
  }
  add(node: number, ns: number): void {
    const calls = (this.calls[node] as number) + 1
    const average = this.average[node] as number
    this.calls[node] = calls
    this.average[node] = average + (ns - average) / Math.min(calls, REMEMBERED)
  }

  metrics(): readonly NodeMetrics[] {
    const { plan, nodes, sent, keys } = this.network
    const of = (name: string) => sent[this.network.edge(name).index] as number
    const sources = plan.sources.map(({ id }): NodeMetrics => {
      const late = of(`${id}.late`)
      const out = { '': of(id), late, gap: of(`${id}.gap`), invalid: of(`${id}.invalid`), event: of(`${id}.event`) }
      return { node: id, in: of(id) + late, out, late, refused: 0, failed: 0, ns_per_call: null }
    })
    const operators = nodes.map((node): NodeMetrics => {
      const { id, inputs, operator } = node.planned
      const reached = Object.values(inputs).flat()
      const behind = operator.late ? reached.filter((e) => plan.sources.some((s) => s.id === e)) : []
      const lateRows = behind.reduce((sum, e) => sum + of(`${e}.late`), 0)
      const failed = [...keys.keys()].filter((code) => node.broken[code] === 1).length
      const calls = this.calls[node.index] as number
      return {
        node: id,
        in: reached.reduce((sum, e) => sum + of(e), 0) + lateRows,
        out: Object.fromEntries(node.outputs.map(({ port, edge }) => [port, sent[edge.index] as number])),
        late: lateRows,
        refused: node.outputs.reduce(
          (sum, { port, edge }) => sum + (port === 'refused' ? (sent[edge.index] as number) : 0),
          0,
        ),
        failed,
        ns_per_call: calls === 0 ? null : Math.round(this.average[node.index] as number),
      }
    })
    return [...sources, ...operators]
  }
}
