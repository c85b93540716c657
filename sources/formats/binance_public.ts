import { fields } from './csv.ts'
import { notThisFormat, refuse } from './format.ts'

/** Lines of data.binance.vision: spot files have no header, futures files do. */
export function withoutHeader<T>(format: string, width: number, row: (cells: readonly string[]) => T) {
  let first = true
  return (line: string, number: number): T | undefined => {
    const cells = fields(line)
    if (first) {
      first = false
      if (cells.length < width) notThisFormat(format, `expected ${width} fields, found ${cells.length}`, number)
      if (!/^\d/.test(line)) return undefined
    }
    if (cells.length < width) refuse(`expected ${width} fields, found ${cells.length}`)
    return row(cells)
  }
}

/** The symbol in a name such as BTCUSDT-trades-2024-01-01.csv. */
export const symbolOfFile = (file: string, kind: string): string | undefined =>
  new RegExp(`(?:^|/)([A-Z0-9_]+)-${kind}-`).exec(file)?.[1]
