const width = 120

/** JSON as the formatter of this repository writes it: objects on lines of their own, lists on one line where they fit. */
export function jsonText(value: unknown, indent = '', before = 0): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const inner = `${indent}  `
  if (Array.isArray(value)) {
    const flat = inlined(value)
    // one more for the comma that may follow
    if (flat !== undefined && before + flat.length + 1 <= width) return flat
    return `[\n${value.map((item) => `${inner}${jsonText(item, inner, inner.length)}`).join(',\n')}\n${indent}]`
  }
  const fields = Object.entries(value).filter(([, field]) => field !== undefined)
  if (fields.length === 0) return '{}'
  const lines = fields.map(([name, field]) => {
    const start = `${inner}${JSON.stringify(name)}: `
    return `${start}${jsonText(field, inner, start.length)}`
  })
  return `{\n${lines.join(',\n')}\n${indent}}`
}

/** A list without objects on one line. */
function inlined(items: readonly unknown[]): string | undefined {
  const parts = items.map((item) => {
    if (Array.isArray(item)) return inlined(item)
    return typeof item === 'object' && item !== null && Object.keys(item).length > 0 ? undefined : JSON.stringify(item)
  })
  return parts.includes(undefined) ? undefined : `[${parts.join(', ')}]`
}
