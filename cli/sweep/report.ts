import { nearest } from '../../runtime/nearest.ts'
import { TidegateError } from '../../schemas/errors.ts'
import type { Variant } from './variant.ts'

/** Figures a variant can be sorted by, and which end of them is the better one. */
const figures = {
  pnl: 'most',
  equity: 'most',
  fees: 'least',
  sharpe: 'most',
  max_drawdown: 'least',
  orders: 'most',
  fills: 'most',
  trades: 'most',
  signals: 'most',
  outputs: 'most',
} as const
export type Figure = keyof typeof figures
export const figureNames = Object.keys(figures) as readonly Figure[]

/** @throws USAGE */
export function figureNamed(name: string): Figure {
  if (Object.hasOwn(figures, name)) return name as Figure
  const near = nearest(name, figureNames)
  throw new TidegateError(
    'USAGE',
    `--sort: no figure "${name}"; ${near === undefined ? `expected one of ${figureNames.join(', ')}` : `did you mean "${near}"?`}`,
  )
}

/** The best first; variants without the figure last, equal ones in the order of the product. */
export function sorted(variants: readonly Variant[], by: Figure): readonly Variant[] {
  const sign = figures[by] === 'most' ? -1 : 1
  return variants.toSorted((a, b) => {
    const [x, y] = [a[by], b[by]]
    if (x === null || y === null) return Number(x === null) - Number(y === null)
    return sign * (x - y)
  })
}

const columns = ['plan', ...figureNames, 'ticks', 'late', 'invalid', 'gaps', 'outputs_sha256'] as const
const cell = (value: unknown): string => {
  const text = value === null || value === undefined ? '' : String(value)
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
/** One line a variant: its params, then its figures. */
export function csvOf(variants: readonly Variant[]): string {
  const names = Object.keys(variants[0]?.params ?? {})
  const lines = variants.map((v) => [...names.map((name) => v.params[name]), ...columns.map((column) => v[column])])
  return [[...names, ...columns], ...lines].map((line) => `${line.map(cell).join(',')}\n`).join('')
}

const shown = ['pnl', 'fees', 'sharpe', 'max_drawdown', 'orders', 'fills'] as const
const short = (value: number | null): string =>
  value === null ? '-' : Number.isInteger(value) ? String(value) : value.toFixed(Math.abs(value) < 1 ? 5 : 2)
/** A table of the first variants for people. */
export function tableOf(variants: readonly Variant[], by: Figure): string {
  const names = Object.keys(variants[0]?.params ?? {})
  const picked = [...new Set<Figure>([by, ...shown])]
  const rows = [
    [...names, ...picked],
    ...variants.map((v) => [
      ...names.map((name) => String(v.params[name])),
      ...picked.map((figure) => short(v[figure])),
    ]),
  ]
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => (row[column] as string).length))) ?? []
  return rows
    .map((row) => `  ${row.map((text, column) => text.padStart(widths[column] as number)).join('  ')}`)
    .join('\n')
}
