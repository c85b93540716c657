import { check, type Problem } from '../../runtime/check.ts'
import { plan } from '../../runtime/plan.ts'
import { codes } from '../../schemas/errors.ts'
import { folderOf, loadDefinition, setOption } from '../definition.ts'
import { placesIn } from '../describe/yaml_place.ts'
import type { Verb } from '../verb.ts'

interface Shown extends Problem {
  /** The word that was probably meant. */
  readonly suggestion?: string
  /** Line and column in a YAML or JSON file. */
  readonly place?: string
}

export const checkVerb: Verb = {
  name: 'check',
  summary:
    'Says whether a definition is right; all its problems at once, each with its path and what was probably meant.',
  form: 'FILE',
  positionals: { min: 1, max: 1 },
  options: { set: setOption },
  notes: 'Exit code 0 when the definition is right, 3 when it is not. `tidegate help CODE` explains a problem code.',
  async run(args, { io, catalogue }) {
    const [file = ''] = args.positionals
    const raw = await loadDefinition(file, args)
    const here = await catalogue(folderOf(file))
    const { problems, spec } = check(raw, here)
    if (problems.length === 0 && spec !== undefined) {
      const { hash, pipeline } = plan(raw, here)
      const nodes = Object.keys(spec.nodes).length
      io.document(
        { ok: true, file, pipeline, nodes, hash, problems },
        () => `${file}: ${pipeline} is right: ${nodes} nodes, plan ${hash.slice(0, 16)}`,
      )
      return
    }
    const place = placesIn(file)
    const shown = problems.map((problem): Shown => {
      const suggestion = /did you mean "([^"]+)"/.exec(problem.message)?.[1]
      const where = place(problem.path)
      return {
        ...problem,
        ...(suggestion !== undefined && { suggestion }),
        ...(where !== undefined && { place: where }),
      }
    })
    const count = `${shown.length} problem${shown.length === 1 ? '' : 's'}`
    io.document({ ok: false, file, hash: null, problems: shown }, () =>
      shown.map((p) => `${file}${p.place ? `:${p.place}` : ''}  ${p.code}  ${p.path}: ${p.message}`).join('\n'),
    )
    io.say(`DEFINITION_INVALID: ${file} has ${count}`)
    return codes.DEFINITION_INVALID.exit
  },
}
