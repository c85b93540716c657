import type { KindCard } from './kind_card.ts'
import { code, fence, page, table } from './markdown.ts'

/** The page of all kinds. */
export const kindsPage = (cards: readonly KindCard[], links: ReadonlyMap<string, string>): string =>
  page(
    '# Kinds',
    'What flows on the edges of a pipeline. Kinds are nominal: two with the same fields are still different. Key (the instrument, `venue:SYMBOL`) and event time (µs since 1970) travel beside every message. *Money* is a decimal, exact to 1e-8.',
    ...cards.flatMap(({ kind, summary, recorded, fields, example, spoken_by, read_by }) => [
      `## ${kind}`,
      `${summary}${recorded ? ' *A decision: every message of it is committed.*' : ''}`,
      table(
        ['field', 'type', 'meaning'],
        fields.map((f) => [code(f.name), code(f.type), f.meaning]),
      ),
      example === undefined ? '' : fence('json', example),
      [`Spoken by ${list(spoken_by, links)}`, `read by ${list(read_by, links)}.`].join('; '),
    ]),
  )
const list = (names: readonly string[], links: ReadonlyMap<string, string>): string =>
  names.length === 0 ? 'no component' : names.map((name) => `[${name}](${links.get(name)})`).join(', ')
