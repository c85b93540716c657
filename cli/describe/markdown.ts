/** A table of Markdown; empty when there are no rows. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return ''
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`
  return [line(head), `|${head.map(() => ' --- ').join('|')}|`, ...rows.map(line)].join('\n')
}
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ')
export const code = (text: string): string => (text === '' ? '' : `\`${text}\``)
export const fence = (language: string, text: string): string => `\`\`\`${language}\n${text}\n\`\`\``
/** At the end of every page: what has it may be written over and removed. */
export const marker = '<!-- Written by `tidegate docs`. -->'
/** Parts of a page, a blank line between them; empty ones are left out. */
export const page = (...parts: readonly string[]): string =>
  `${[...parts, marker].filter((part) => part !== '').join('\n\n')}\n`
