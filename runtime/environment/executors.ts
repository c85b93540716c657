import { map, merge, type Observable } from 'rxjs'
import type { Committed, ExecutorAnswer, ExecutorContext, OpenedExecutor } from '../connect.ts'
import type { Engine } from '../engine.ts'
import type { Plan, PlannedSink, PlannedSource } from '../plan.ts'

/** What the environment gives every executor of a run. */
export type Surroundings = Pick<ExecutorContext, 'clock' | 'random' | 'endpoint' | 'secret' | 'run'> & {
  readonly notice: (text: string) => void
}
export interface Answered {
  readonly source: PlannedSource
  readonly answer: ExecutorAnswer
}

/** The execution sinks of a live run: committed orders go to them, and what they answer comes back as rows of the log. */
export class Executors {
  private readonly opened: readonly { readonly planned: PlannedSink; readonly executor: OpenedExecutor }[]
  /** Answers that the log does not hold, of each executor in order. */
  readonly answers: Observable<readonly Answered[]>

  private constructor(plan: Plan, opened: Executors['opened']) {
    this.opened = opened
    const sources = new Map(plan.sources.map((source) => [source.id, source]))
    this.answers = merge(
      ...opened.map(({ planned, executor }) =>
        executor.answers.pipe(
          map((answers) =>
            answers.map((answer) => ({ answer, source: sources.get(`${planned.id}.${answer.port}`) as PlannedSource })),
          ),
        ),
      ),
    )
  }

  /** Opens them all, or none. */
  static async open(plan: Plan, engine: Engine, around: Surroundings): Promise<Executors> {
    const opened: { planned: PlannedSink; executor: OpenedExecutor }[] = []
    try {
      for (const planned of plan.executors)
        opened.push({ planned, executor: await open(plan, planned, engine, around) })
    } catch (error) {
      for (const { executor } of opened) await executor.close()
      throw error
    }
    return new Executors(plan, opened)
  }

  /** Hands on the rows that are orders for one of them; resolves once they would outlive a crash. */
  async take(rows: readonly Committed[]): Promise<void> {
    for (const { planned, executor } of this.opened) {
      const edges = new Set(Object.values(planned.inputs))
      const orders = rows.filter(({ edge }) => edges.has(edge))
      if (orders.length > 0) await executor.take(orders)
    }
  }

  async close(): Promise<void> {
    for (const { executor } of this.opened) await executor.close()
  }
}

function open(plan: Plan, { id, component, params }: PlannedSink, engine: Engine, around: Surroundings) {
  const execute = component.execute as unknown as (p: unknown, c: ExecutorContext) => Promise<OpenedExecutor>
  return execute(params, {
    ...around,
    pipeline: plan.pipeline,
    node: id,
    held: (port) => engine.taken[plan.sources.findIndex((s) => s.id === `${id}.${port}`)]?.data ?? 0,
    notice: (text) => around.notice(`${id}: ${text}`),
  })
}
