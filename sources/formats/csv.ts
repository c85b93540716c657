import { notThisFormat, refuse } from './format.ts'

/** The fields of one line of CSV. A quoted field may hold commas and doubled quotes, but no line break. */
export function fields(line: string): readonly string[] {
  if (!line.includes('"')) return line.split(',')
  const out: string[] = []
  let field = ''
  let quoted = false
  for (let i = 0; i < line.length; i++) {
    const c = line[i]
    if (c === '"' && quoted && line[i + 1] === '"') {
      field += '"'
      i++
    } else if (c === '"') quoted = !quoted
    else if (c === ',' && !quoted) {
      out.push(field)
      field = ''
    } else field += c
  }
  if (quoted) refuse('expected the closing quote of a field')
  out.push(field)
  return out
}

/** Names as headers spell them, without case and outer spaces. */
export const named = (header: string): readonly string[] => {
  const names = header.includes('"') ? header.replaceAll('"', '').split(',') : header.split(',')
  return names.map((name) => name.trim().toLowerCase())
}
export const hasColumns = (header: string | undefined, ...wanted: readonly string[]): boolean => {
  const names = named(header ?? '')
  return wanted.every((name) => names.includes(name))
}

/** Reads lines under a header: the first line says where each wanted column lies, in any order and case. */
export function table<const C extends string, T>(
  format: string,
  wanted: readonly C[],
  row: (value: Readonly<Record<C, string>>, number: number) => T,
): (line: string, number: number) => T | undefined {
  let places: Readonly<Record<C, number>> | undefined
  let width = 0
  return (line, number) => {
    if (places === undefined) {
      const names = named(line)
      const missing = wanted.filter((name) => !names.includes(name))
      if (missing.length > 0)
        notThisFormat(
          format,
          `expected a header with ${missing.join(', ')}, found ${names.slice(0, 8).join(',')}`,
          number,
        )
      width = names.length
      places = Object.fromEntries(wanted.map((name) => [name, names.indexOf(name)])) as Record<C, number>
      return undefined
    }
    const cells = fields(line)
    if (cells.length < width) refuse(`expected ${width} fields, found ${cells.length}`)
    const value = {} as Record<C, string>
    for (const name of wanted) value[name] = cells[places[name]] as string
    return row(value, number)
  }
}

/** Reads lines by place: for layouts that come with a header from some tools and without from others. */
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
