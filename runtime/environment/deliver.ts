import { Subject } from 'rxjs'
import { TidegateError } from '../../schemas/errors.ts'
import type { Committed, OpenedSink, SinkContext } from '../connect.ts'
import type { Plan, PlannedSink } from '../plan.ts'

/** A message on a signal subject, as subscribers in this process see it. */
export interface Published {
  readonly subject: string
  readonly message: Readonly<Record<string, unknown>>
}

/** The sinks of a run: each takes the committed rows of its edges, in order, from after its own position. */
export class Delivery {
  /** Everything sinks publish. */
  readonly published = new Subject<Published>()
  private readonly sinks: readonly {
    readonly planned: PlannedSink
    readonly opened: OpenedSink
    readonly ports: ReadonlyMap<string, readonly string[]>
  }[]

  constructor(plan: Plan, namespace: string, file: SinkContext['file']) {
    this.sinks = plan.sinks.map((planned) => {
      const context: SinkContext = {
        pipeline: plan.pipeline,
        node: planned.id,
        plan: plan.hash,
        namespace,
        ports: Object.keys(planned.inputs),
        file,
        publish: (subject, message) => this.published.next({ subject, message }),
      }
      const open = planned.component.open as unknown as (params: unknown, context: SinkContext) => OpenedSink
      const ports = new Map<string, string[]>()
      for (const [port, edge] of Object.entries(planned.inputs)) ports.set(edge, [...(ports.get(edge) ?? []), port])
      return { planned, opened: open(planned.params, context), ports }
    })
  }

  /** The oldest commit some sink does not hold whole: where a restart must read on from. */
  get from(): number {
    return Math.min(...this.sinks.map((s) => Math.max(1, s.opened.position.commit)), Number.POSITIVE_INFINITY)
  }

  /**
   * A sink cannot hold what was never committed.
   * @throws LOG_LOST when it is ahead of the log
   */
  checkAgainst(last: number): void {
    for (const { planned, opened } of this.sinks)
      if (opened.position.commit > last)
        throw new TidegateError(
          'LOG_LOST',
          `node "${planned.id}" holds rows of commit ${opened.position.commit}, but the log ends at ${last}`,
          { node: planned.id, held: opened.position.commit, last },
        )
  }

  write(rows: readonly Committed[]): void {
    for (const { opened, ports } of this.sinks) {
      for (const row of rows) {
        const { commit, order } = opened.position
        if (row.commit < commit || (row.commit === commit && row.order <= order)) continue
        for (const port of ports.get(row.edge) ?? []) opened.write(port, row)
      }
      opened.flush()
    }
  }
  close(): void {
    for (const { opened } of this.sinks) opened.close()
    this.published.complete()
  }
}
