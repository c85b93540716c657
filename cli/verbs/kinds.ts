import { nearest } from '../../runtime/nearest.ts'
import { TidegateError } from '../../schemas/errors.ts'
import { kinds } from '../../schemas/kinds.ts'
import { aligned } from '../describe/columns_text.ts'
import { type KindCard, kindCard, kindsOf } from '../describe/kind_card.ts'
import { kindExamples } from '../describe/kind_example.ts'
import type { Verb } from '../verb.ts'

export const kindsVerb: Verb = {
  name: 'kinds',
  summary: 'Lists the kinds of message that flow, or the fields of one and who speaks and reads it.',
  form: '[NAME]',
  positionals: { min: 0, max: 1 },
  options: {},
  async run({ positionals: [name] }, { io, catalogue }) {
    const here = await catalogue()
    const all = kindsOf(here, kinds)
    if (name === undefined) {
      const examples = kindExamples(here)
      const cards = all.map((kind) => kindCard(kind, here, examples))
      io.document(cards, () =>
        aligned(
          cards.map(({ kind, fields, summary }) => [kind, fields.map((f) => f.name).join(' '), summary]),
          '',
        ),
      )
      return
    }
    const kind = all.find((k) => k.kind === name)
    if (kind === undefined) {
      const near = nearest(
        name,
        all.map((k) => k.kind),
      )
      throw new TidegateError(
        'UNKNOWN_COMPONENT',
        `no kind "${name}"${near ? `; did you mean "${near}"?` : `; there are ${all.map((k) => k.kind).join(', ')}`}`,
        { found: name, ...(near && { nearest: near }) },
      )
    }
    const card = kindCard(kind, here)
    io.document(card, () => kindText(card))
  },
}

const kindText = ({ kind, summary, recorded, fields, example, spoken_by, read_by }: KindCard): string =>
  [
    `${kind}${recorded ? ' (a decision: always committed)' : ''}`,
    summary,
    '',
    aligned(fields.map(({ name, type, meaning }) => [name, type, meaning])),
    '',
    ...(example === undefined ? [] : [example, '']),
    `spoken by  ${spoken_by.join(', ') || 'no component'}`,
    `read by    ${read_by.join(', ') || 'no component'}`,
  ].join('\n')
