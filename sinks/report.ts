import { writeFileSync } from 'node:fs'
import { z } from 'zod'
import { defineSink } from '../runtime/define.ts'
import { Equity, Position } from '../schemas/account.ts'
import { Fill, OrderUpdate, RefusedOrder, Signal } from '../schemas/orders.ts'
import { type RunSummary, Summary } from './summary.ts'

/** Which figures each port tells of. What no port told is not said: a zero would be a claim. */
const figures: Readonly<Record<string, readonly (keyof RunSummary)[]>> = {
  equity: ['cash', 'equity', 'pnl', 'fees', 'sharpe', 'max_drawdown'],
  position: ['trades', 'positions'],
  order: ['orders'],
  fill: ['fills'],
  signal: ['signals'],
  refused: ['refused'],
}
const told = (summary: RunSummary, ports: readonly string[]) =>
  Object.fromEntries(ports.flatMap((port) => (figures[port] ?? []).map((field) => [field, summary[field]])))

export const report = defineSink({
  name: 'report',
  version: 1,
  summary:
    'Keeps the figures of a run (orders, fills, profit, fees, Sharpe ratio, drawdown) in a JSON file of its directory.',
  notes:
    'It is made anew from the committed rows at every start, so a crash cannot put it out of step. It tells what its wired ports tell of, and nothing else. Without a run directory it keeps nothing.',
  input: { equity: Equity, position: Position, order: OrderUpdate, fill: Fill, signal: Signal, refused: RefusedOrder },
  optional: ['equity', 'position', 'order', 'fill', 'signal', 'refused'],
  params: z.strictObject({}),
  open(_params, context) {
    const summary = new Summary()
    const file = context.file(`${context.node}.json`)
    return {
      position: { commit: 0, order: -1 },
      write: (_port, row) => summary.add(row),
      flush() {},
      close() {
        if (file !== undefined)
          writeFileSync(file, `${JSON.stringify(told(summary.result(), context.ports), null, 2)}\n`)
      },
    }
  },
  example: { params: {} },
})
