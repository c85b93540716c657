import { formatTime } from '../../schemas/units.ts'
import { setOption } from '../definition.ts'
import { table } from '../describe/table.ts'
import { storedRun, storedRunOptions } from '../stored_run.ts'
import { short } from '../trading/order_text.ts'
import { PositionList, positionDocument } from '../trading/position_list.ts'
import { rowsOf } from '../trading/run_rows.ts'
import type { Verb } from '../verb.ts'

export const positionsVerb: Verb = {
  name: 'positions',
  summary: 'Lists what a run holds of each instrument, by its fills.',
  form: 'PIPELINE|FILE [--live]',
  positionals: { min: 1, max: 1 },
  options: { ...storedRunOptions, set: setOption },
  notes:
    'Reads what is committed, also beside a run that is going on, and counts in whole 1e-8 units as the portfolio does. `price` is the newest that committed rows tell of: a fill, an order, a signal. `exact` has the decimal text of what JSON gives as the nearest double.',
  async run(args, context) {
    const run = await storedRun(args, context)
    try {
      const list = new PositionList()
      for await (const row of rowsOf(run)) list.add(row)
      const { pipeline, mode } = run.plan
      const positions = list.all()
      context.io.document({ pipeline, mode, positions: positions.map(positionDocument) }, () =>
        positions.length === 0
          ? `${pipeline}: nothing was traded`
          : table(
              ['instrument', 'quantity', 'average', 'realised', 'unrealised', 'fees', 'price', 'as of'],
              positions.map((p) => [
                p.key,
                short(p.quantity),
                p.average_price,
                short(p.realised),
                short(p.unrealised),
                short(p.fees),
                p.price,
                formatTime(p.price_at),
              ]),
            ),
      )
    } finally {
      await run.close()
    }
  },
}
