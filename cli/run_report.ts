import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Committed } from '../runtime/define.ts'
import type { Equity } from '../schemas/account.ts'
import { toNumber, toText } from '../schemas/fixed.ts'
import type { Fill } from '../schemas/orders.ts'
import { formatTime } from '../schemas/units.ts'
import type { RunSummary } from '../sinks/summary.ts'
import { equityPlot } from './equity_plot.ts'
import { TextFile, writing } from './text_file.ts'

const percent = (share: number): string => `${(share * 100).toFixed(2)} %`

/** A short report of a run for people. */
export function renderSummary(
  title: string,
  s: RunSummary & {
    readonly ticks: number
    readonly late: number
    readonly invalid: number
    readonly gaps: number
    readonly failed?: number
  },
): string {
  const refused = Object.entries(s.refused).map(([code, n]) => `${n} ${code}`)
  const rows: readonly (readonly [string, string])[] = [
    [
      'ticks',
      `${s.ticks.toLocaleString('en')}${s.late + s.invalid + s.gaps > 0 ? ` (${s.late} late, ${s.invalid} invalid, ${s.gaps} gaps)` : ''}`,
    ],
    ...((s.failed ?? 0) > 0 ? [['failed', `${s.failed} nodes threw and were left out`] as const] : []),
    ['signals', s.signals.toLocaleString('en')],
    [
      'orders',
      `${s.orders.toLocaleString('en')}, ${s.fills.toLocaleString('en')} fills${refused.length > 0 ? `, refused: ${refused.join(', ')}` : ''}`,
    ],
    ...(s.equity === null
      ? [
          [
            'account',
            'no portfolio node: add `account: { op: portfolio, from: execute.fill }` for profit and equity',
          ] as const,
        ]
      : [
          ['equity', s.exact.equity ?? ''] as const,
          ['profit', `${s.exact.pnl} after ${s.exact.fees} fees`] as const,
          ['drawdown', percent(s.max_drawdown ?? 0)] as const,
          ['sharpe', s.sharpe === null ? 'too short a run to say' : s.sharpe.toFixed(2)] as const,
          [
            'positions',
            Object.entries(s.exact.positions)
              .map(([key, q]) => `${key} ${q}`)
              .join(', ') || 'none',
          ] as const,
        ]),
  ]
  return [title, ...rows.map(([name, words]) => `  ${name.padEnd(10)} ${words}`)].join('\n')
}

const csv = (cells: readonly (string | number)[]): string => `${cells.join(',')}\n`

/** Files of a run: every output as JSON lines would repeat the log, so fills, equity, figures and a plot. */
export class RunFiles {
  private readonly directory: string
  private readonly fills: TextFile
  private readonly equity: TextFile
  /** Few enough points to draw, however long the run. */
  private points: { at: number; equity: number }[] = []
  private every = 1
  private seen = 0

  /** @throws FILE_UNWRITABLE */
  constructor(directory: string) {
    writing(directory, () => mkdirSync(directory, { recursive: true }))
    this.directory = directory
    this.fills = new TextFile(join(directory, 'fills.csv'))
    this.equity = new TextFile(join(directory, 'equity.csv'))
    this.fills.write(csv(['time', 'instrument', 'side', 'quantity', 'price', 'notional', 'fee', 'id']))
    this.equity.write(csv(['time', 'cash', 'equity', 'realised', 'unrealised', 'fees']))
  }

  add({ kind, key, at, value, id }: Committed): void {
    if (kind === 'fill') {
      const f = value as Fill
      this.fills.write(
        csv([formatTime(at), key, f.side, toText(f.quantity), f.price, toText(f.notional), toText(f.fee), id]),
      )
    } else if (kind === 'equity') {
      const e = value as Equity
      this.equity.write(
        csv([
          formatTime(at),
          toText(e.cash),
          toText(e.equity),
          toText(e.realised),
          toText(e.unrealised),
          toText(e.fees),
        ]),
      )
      if (this.seen++ % this.every !== 0) return
      this.points.push({ at, equity: toNumber(e.equity) })
      if (this.points.length < 4000) return
      this.points = this.points.filter((_p, i) => i % 2 === 0)
      this.every *= 2
    }
  }

  async close(document: object): Promise<readonly string[]> {
    for (const file of [this.fills, this.equity]) file.flush()
    const whole = {
      'report.json': `${JSON.stringify(document, undefined, 2)}\n`,
      'equity.svg': equityPlot(this.points),
    }
    for (const [name, text] of Object.entries(whole)) {
      const path = join(this.directory, name)
      writing(path, () => writeFileSync(path, text))
    }
    return ['report.json', 'fills.csv', 'equity.csv', 'equity.svg'].map((name) => join(this.directory, name))
  }
}
