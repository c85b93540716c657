import { problems } from '../runtime/check.ts'
import { codes } from '../schemas/errors.ts'
import { refusals } from '../schemas/orders.ts'
import type { Verb } from './verb.ts'

export const overview = (verbs: readonly Verb[]): string =>
  [
    'tidegate VERB ... : declarative operator graphs over market data',
    '',
    ...columns(verbs.map(({ name, summary }) => [name, summary])),
    '',
    'Every verb has --json (one document, or JSON lines for streams, on stdout) and --help.',
  ].join('\n')

/** What a verb is, as data. */
export const verbFacts = ({ name, form, summary, notes = '', options }: Verb) => ({
  verb: name,
  form,
  summary,
  notes,
  options,
})

export function helpOf(verb: Verb): string {
  const rows = columns(
    Object.entries(verb.options).map(([name, { short, value, help }]) => [
      `${short ? `-${short}, ` : ''}--${name}${value ? ` ${value}` : ''}`,
      help,
    ]),
  )
  return [
    `tidegate ${verb.name} ${verb.form}`,
    '',
    verb.summary,
    ...(verb.notes ? ['', verb.notes] : []),
    ...(rows.length > 0 ? ['', ...rows] : []),
  ].join('\n')
}

function columns(rows: readonly (readonly [string, string])[]): readonly string[] {
  const width = Math.max(...rows.map(([word]) => word.length))
  return rows.map(([word, meaning]) => `  ${word.padEnd(width)}  ${meaning}`)
}

/** What a stable code means, or undefined. */
export function explainCode(code: string): string | undefined {
  if (Object.hasOwn(codes, code)) {
    const { summary, fix, exit } = codes[code as keyof typeof codes]
    return `${code} (exit ${exit})\n${summary}\n${fix}`
  }
  if (Object.hasOwn(refusals, code)) return `${code} (a refused order)\n${refusals[code as keyof typeof refusals]}`
  return Object.hasOwn(problems, code)
    ? `${code} (a problem of a definition)\n${problems[code as keyof typeof problems]}`
    : undefined
}
