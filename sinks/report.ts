import { writeFileSync } from 'node:fs'
import { z } from 'zod'
import { defineSink } from '../runtime/define.ts'
import { Equity } from '../schemas/account.ts'
import { Fill, OrderUpdate } from '../schemas/orders.ts'
import { Summary } from './summary.ts'

export const report = defineSink({
  name: 'report',
  version: 1,
  summary:
    'Keeps the figures of a run (orders, fills, profit, fees, Sharpe ratio, drawdown) in a JSON file of its directory.',
  notes:
    'It is made anew from the committed rows at every start, so a crash cannot put it out of step. Without a run directory it keeps nothing.',
  input: { equity: Equity, order: OrderUpdate, fill: Fill },
  optional: ['equity', 'order', 'fill'],
  params: z.strictObject({}),
  open(_params, context) {
    const summary = new Summary()
    const file = context.file(`${context.node}.json`)
    return {
      position: { commit: 0, order: -1 },
      write: (_port, row) => summary.add(row),
      flush() {},
      close() {
        if (file !== undefined) writeFileSync(file, `${JSON.stringify(summary.result(), null, 2)}\n`)
      },
    }
  },
  example: { params: {} },
})
