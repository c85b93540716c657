import { stageName } from '../../runtime/stage.ts'
import { isTidegateError } from '../../schemas/errors.ts'
import type { Fill } from '../../schemas/orders.ts'
import type { LogSide } from '../../sinks/execution/log_side.ts'
import { type StoredRun, storedRun } from '../stored_run.ts'
import type { Args, Context } from '../verb.ts'
import { OrderList } from './order_list.ts'
import { rowsOf } from './run_rows.ts'

/** The live run of a definition; undefined where there is none. */
export async function liveRun(args: Args, context: Context): Promise<StoredRun | undefined> {
  try {
    return await storedRun({ ...args, flags: new Set([...args.flags, 'live']) }, context)
  } catch (error) {
    if (isTidegateError(error) && error.code === 'FILE_ABSENT') return undefined
    throw error
  }
}

/** What the log of a run says so far of each of its execution sinks. */
export async function logSidesOf(run: StoredRun): Promise<(node: string) => LogSide> {
  const list = new OrderList(run.plan)
  for await (const row of rowsOf(run)) list.add(row)
  const stage = await run.log.open(run.stages[0]?.name ?? stageName(run.plan.pipeline))
  const created = stage === undefined ? '' : (await stage.state()).created
  return (node) => {
    const own = list.all().filter((order) => order.node === node)
    const fills = own.map(({ id, said }) => [id, said.filter(({ kind }) => kind === 'fill')] as const)
    return {
      of: { run: created, pipeline: run.plan.pipeline, node },
      orders: new Set(own.filter(({ said }) => said.some(({ kind }) => kind === 'approved_order')).map(({ id }) => id)),
      fills: new Map(
        fills.filter(([, of]) => of.length > 0).map(([id, of]) => [id, of.map(({ value }) => value as Fill)]),
      ),
    }
  }
}
