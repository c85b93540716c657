/** Rows in columns of equal width, with a head; numbers to the right. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const all = [head, ...rows]
  const widths = head.map((_, column) => Math.max(...all.map((row) => String(row[column] ?? '').length)))
  const numeric = head.map((_, column) => rows.length > 0 && rows.every((row) => typeof row[column] === 'number'))
  return all
    .map((row) =>
      row
        .map((cell, c) =>
          numeric[c] ? String(cell).padStart(widths[c] as number) : String(cell).padEnd(widths[c] as number),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
