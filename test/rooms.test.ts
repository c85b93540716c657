import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { operators } from '../operators/catalogue.ts'
import { isKind, type Operator } from '../runtime/define.ts'
import { ApprovedOrder } from '../schemas/orders.ts'
import { sinks } from '../sinks/catalogue.ts'
import { filesOf, rooms, strays, straysOf } from './import_rules.ts'

test.each(Object.keys(rooms))('%s holds something, and looks only where it may', (room) => {
  expect(filesOf(room).length).toBeGreaterThan(0)
  expect(straysOf(room)).toEqual([])
})

test('every folder with code is a room of the table', () => {
  const folders = readdirSync('.', { withFileTypes: true })
    .filter(
      (f) =>
        f.isDirectory() && !f.name.startsWith('.') && !['node_modules', 'dist', 'coverage', 'data'].includes(f.name),
    )
    .map((f) => f.name)
  expect(folders.filter((f) => !(f in rooms) && filesOf(f).length > 0)).toEqual([])
})

const planted: readonly (readonly [file: string, line: string])[] = [
  ['schemas/fixed.ts', "import { plan } from '../runtime/plan.ts'"],
  ['schemas/fixed.ts', "import type { Observable } from 'rxjs'"],
  ['runtime/plan.ts', "import { ema } from '../operators/feature/ema.ts'"],
  ['runtime/plan.ts', "import { parse } from 'yaml'"],
  ['operators/feature/ema.ts', "import { Ring } from '../../runtime/state/ring.ts'"],
  ['operators/feature/ema.ts', "import type { Plan } from '../../runtime/plan.ts'"],
  ['operators/feature/ema.ts', "export { signals } from '../../sinks/signals.ts'"],
  ['sinks/report.ts', "import { ema } from '../operators/feature/ema.ts'"],
  ['sources/binance/trades.ts', "import { epoch } from '../formats/epoch.ts'"],
  ['sources/feed/socket.ts', "import { frames } from '../binance/frames.ts'"],
  ['pipelines/mine.ts', "import { plan } from '../runtime/plan.ts'"],
  ['pipelines/mine.ts', "import { readFileSync } from 'node:fs'"],
  ['testing/laws.ts', "import { operators } from '../operators/catalogue.ts'"],
  ['cli/main.ts', "const other = await import('left-pad')"],
  ['cli/main.ts', "import { readFileSync } from 'fs'"],
  ['runtime/plan.ts', "import { planted } from './plan.test.ts'"],
  ['runtime/stage.ts', "import { logContract } from './log/contract.ts'"],
]
test.each(planted)('%s is caught with %s', (file, line) => {
  expect(strays(file, `${line}\n`)).toHaveLength(1)
})

const allowed: readonly (readonly [file: string, line: string])[] = [
  ['operators/feature/ema.ts', "import { defineScan } from '../../runtime/define.ts'"],
  ['operators/feature/sma.ts', "import { add } from './running_sum.ts'"],
  ['sources/binance/trades.ts', "import { connect } from '../feed/socket.ts'"],
  ['sources/catalogue.ts', "import { binanceTrades } from './binance/trades.ts'"],
  ['cli/main.ts', "import { sources } from '../sources/catalogue.ts'"],
]
test.each(allowed)('%s may have %s', (file, line) => {
  expect(strays(file, `${line}\n`)).toEqual([])
})

const emits = ({ output }: Operator): readonly string[] =>
  isKind(output) ? [output.kind] : Object.values(output).map((k) => k.kind)
/** Operators that emit approved orders without lying under `operators/risk`. */
const smugglers = (all: readonly Operator[], files: readonly string[]): readonly string[] =>
  all
    .filter((o) => emits(o).includes(ApprovedOrder.kind) && !files.includes(`operators/risk/${o.name}.ts`))
    .map((o) => o.name)

test('only operators/risk approves orders', () => {
  const approving = Object.values(operators).filter((o) => emits(o).includes(ApprovedOrder.kind))
  expect(approving.map((o) => o.name).sort()).toEqual(['pass_gate', 'risk_gate'])
  expect(smugglers(approving, filesOf('operators'))).toEqual([])
  const planted = { ...(operators['pass_gate'] as Operator), name: 'sneaky_gate' }
  expect(smugglers([planted], [...filesOf('operators'), 'operators/sizing/sneaky_gate.ts'])).toEqual(['sneaky_gate'])
})

const order_kinds = ['order_intent', 'refused_order', ApprovedOrder.kind]
test('a sink that executes orders accepts approved ones only', () => {
  const executing = Object.values(sinks).filter((s) => 'fill' in s.output || s.simulate !== undefined)
  expect(executing.map((s) => s.name)).toContain('simulated_venue')
  for (const sink of executing)
    expect(
      Object.values(sink.inputs)
        .map((k) => k.kind)
        .filter((k) => order_kinds.includes(k)),
      sink.name,
    ).toEqual([ApprovedOrder.kind])
})
