import { nearest } from '../../runtime/nearest.ts'
import { TidegateError } from '../../schemas/errors.ts'
import { cardOf, componentsOf } from '../describe/component_card.ts'
import { cardText, listText } from '../describe/component_text.ts'
import type { Verb } from '../verb.ts'

export const operatorsVerb: Verb = {
  name: 'operators',
  summary: 'Lists every source, operator and sink, or tells all there is to know of one.',
  form: '[NAME]',
  positionals: { min: 0, max: 1 },
  options: {},
  notes: 'Components of the nearest tidegate.config are listed with the built-in ones.',
  async run({ positionals: [name] }, { io, catalogue }) {
    const components = componentsOf(await catalogue())
    if (name === undefined) {
      const cards = components.map(cardOf)
      io.document(cards, () => listText(cards))
      return
    }
    const component = components.find((c) => c.name === name)
    if (component === undefined) {
      const near = nearest(
        name,
        components.map((c) => c.name),
      )
      throw new TidegateError(
        'UNKNOWN_COMPONENT',
        `no component "${name}" in the catalogue${near ? `; did you mean "${near}"?` : ''}`,
        { found: name, ...(near && { nearest: near }) },
      )
    }
    const card = cardOf(component)
    io.document(card, () => cardText(card))
  },
}
