import { TidegateError } from '../../schemas/errors.ts'
import { setOption } from '../definition.ts'
import { storedRun, storedRunOptions } from '../stored_run.ts'
import { journalsOf } from '../trading/journals.ts'
import { journaledLife, lifeDocument, lifeText } from '../trading/order_life.ts'
import { isOpen, type ListedOrder, OrderList } from '../trading/order_list.ts'
import { orderDocument, orderTable } from '../trading/order_text.ts'
import { rowsOf } from '../trading/run_rows.ts'
import type { Context, Verb } from '../verb.ts'

export const ordersVerb: Verb = {
  name: 'orders',
  summary: 'Lists the orders of a run, or tells the life of one, step by step.',
  form: 'PIPELINE|FILE [--live] [--open] [--order ID]',
  positionals: { min: 1, max: 1 },
  options: {
    ...storedRunOptions,
    set: setOption,
    order: { type: 'string', value: 'ID', help: 'the life of this order, or of the one order whose id ends so' },
    open: { type: 'boolean', help: 'only orders that have not ended' },
  },
  notes:
    'Reads what is committed, paper and live alike, also beside a run that is going on. `price` is that of the fills, before there is one that of the order; `fee` is in quote units. An order is `approved` until an execution sink has it, then `accepted`, and ends `filled`, `cancelled` or `rejected`; `conflict` and `lost` need somebody who looks. Where the journal of a live run is on this machine, --order tells its steps from there, with the times of the machine, amounts, gas and nodes.',
  async run(args, context) {
    const run = await storedRun(args, context)
    try {
      const list = new OrderList(run.plan)
      for await (const row of rowsOf(run)) list.add(row)
      const wanted = args.value('order')
      if (wanted !== undefined) {
        const order = oneOf(list.all(), wanted)
        const journal = journaledLife((await journalOf(run.plan, context)).get(order.node) ?? [], order.id)
        context.io.document(lifeDocument(order, journal), () => lifeText(order, journal))
        return
      }
      const orders = list.all().filter((order) => !args.flags.has('open') || isOpen(order))
      const { pipeline, mode } = run.plan
      context.io.document({ pipeline, mode, orders: orders.map(orderDocument) }, () =>
        orders.length === 0 ? `${pipeline}: no orders` : orderTable(orders),
      )
    } finally {
      await run.close()
    }
  },
}

/** What the log says is told all the same where a journal cannot be read. */
async function journalOf(plan: Parameters<typeof journalsOf>[0], context: Context) {
  try {
    return await journalsOf(plan, context)
  } catch (error) {
    if (!(error instanceof TidegateError)) throw error
    context.io.say(`the journal is left out: ${error.code}: ${error.message}`)
    return new Map<string, never>()
  }
}

/** @throws USAGE */
function oneOf(orders: readonly ListedOrder[], wanted: string): ListedOrder {
  const exact = orders.find(({ id }) => id === wanted)
  if (exact !== undefined) return exact
  const found = orders.filter(({ id }) => id.endsWith(wanted))
  if (found.length === 1) return found[0] as ListedOrder
  const what = found.length === 0 ? 'no order' : `${found.length} orders`
  throw new TidegateError('USAGE', `--order ${wanted}: ${what} of that id; see \`tidegate orders\``, {
    order: wanted,
    found: found.length,
  })
}
