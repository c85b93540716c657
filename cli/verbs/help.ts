import { problems } from '../../runtime/check.ts'
import { nearest } from '../../runtime/nearest.ts'
import { codes, TidegateError } from '../../schemas/errors.ts'
import { explainCode, helpOf, overview, verbFacts } from '../help.ts'
import type { Verb } from '../verb.ts'

export const helpVerb: Verb = {
  name: 'help',
  summary: 'Explains a verb or an error code; without either, lists the verbs.',
  form: '[VERB|CODE]',
  positionals: { min: 0, max: 1 },
  options: {},
  async run({ positionals: [about] }, { io, verbs }) {
    if (about === undefined) {
      io.document({ verbs: verbs.map(({ name, form, summary }) => ({ name, form, summary })) }, () => overview(verbs))
      return
    }
    const verb = verbs.find((v) => v.name === about)
    if (verb !== undefined) {
      io.document(verbFacts(verb), () => helpOf(verb))
      return
    }
    const code = about.toUpperCase()
    const text = explainCode(code)
    if (text === undefined) {
      const near =
        nearest(
          about,
          verbs.map((v) => v.name),
        ) ?? nearest(code, [...Object.keys(codes), ...Object.keys(problems)])
      throw new TidegateError(
        'USAGE',
        `no verb and no error code "${about}"${near ? `; did you mean "${near}"?` : ''}`,
        { found: about },
      )
    }
    io.document({ code, text }, () => text)
  },
}
