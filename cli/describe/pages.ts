import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type ProblemCode, problems } from '../../runtime/check.ts'
import type { Catalogue } from '../../runtime/define.ts'
import { codes, type ErrorCode } from '../../schemas/errors.ts'
import { kinds } from '../../schemas/kinds.ts'
import { type RefusalCode, refusals } from '../../schemas/orders.ts'
import { signalJsonSchema } from '../../schemas/signal_message.ts'
import type { Verb } from '../verb.ts'
import { cardOf, componentsOf } from './component_card.ts'
import { componentPage } from './component_page.ts'
import { errorPage, errorsIndex, problemPage, refusalPage } from './error_pages.ts'
import { jsonText } from './json_text.ts'
import { kindCard, kindsOf } from './kind_card.ts'
import { kindExamples } from './kind_example.ts'
import { kindsPage } from './kinds_page.ts'
import { marker } from './markdown.ts'
import { pipelineSchema } from './pipeline_schema.ts'
import { cliPage, formatsPage, indexPage, venuesPage } from './reference_pages.ts'

const folders = { source: 'sources', operator: 'operators', sink: 'sinks' } as const
/** Folders whose pages come and go with what they tell of. */
const whole = ['docs/sources', 'docs/operators', 'docs/sinks', 'docs/errors']

/** Every generated file, by its path from the root of a project. */
export function pagesOf(catalogue: Catalogue, verbs: readonly Verb[]): ReadonlyMap<string, string> {
  const components = componentsOf(catalogue)
  const examples = kindExamples(catalogue)
  const links = new Map(components.map((c) => [c.name, `${folders[c.role]}/${c.name}.md`]))
  return new Map([
    ['docs/README.md', indexPage(catalogue)],
    ['docs/cli.md', cliPage(verbs)],
    [
      'docs/kinds.md',
      kindsPage(
        kindsOf(catalogue, kinds).map((kind) => kindCard(kind, catalogue, examples)),
        links,
      ),
    ],
    ['docs/formats.md', formatsPage()],
    ['docs/venues.md', venuesPage()],
    ['docs/errors/README.md', errorsIndex()],
    ...components.map((c): [string, string] => [`docs/${folders[c.role]}/${c.name}.md`, componentPage(cardOf(c))]),
    ...Object.keys(codes).map((name): [string, string] => [`docs/errors/${name}.md`, errorPage(name as ErrorCode)]),
    ...Object.keys(problems).map((name): [string, string] => [
      `docs/errors/${name}.md`,
      problemPage(name as ProblemCode, catalogue),
    ]),
    ...Object.keys(refusals).map((name): [string, string] => [
      `docs/errors/${name}.md`,
      refusalPage(name as RefusalCode),
    ]),
    ['schemas/pipeline.schema.json', `${jsonText(pipelineSchema(catalogue))}\n`],
    ['schemas/signal.schema.json', `${jsonText(signalJsonSchema())}\n`],
  ])
}

export interface Staleness {
  readonly missing: readonly string[]
  readonly stale: readonly string[]
  /** Pages of ours about what is no longer there. */
  readonly surplus: readonly string[]
  /** Files that stand where a page would, and that somebody else wrote. */
  readonly foreign: readonly string[]
}
/** What differs between the pages as they should be and as they lie under a folder. */
export function compareWith(root: string, pages: ReadonlyMap<string, string>): Staleness {
  const paths = [...pages.keys()]
  const text = (path: string) => (existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : undefined)
  const lying = whole.flatMap((folder) =>
    existsSync(join(root, folder)) ? readdirSync(join(root, folder)).map((name) => `${folder}/${name}`) : [],
  )
  return {
    missing: paths.filter((path) => text(path) === undefined),
    stale: paths.filter((path) => text(path) !== undefined && text(path) !== pages.get(path)),
    surplus: lying.filter((path) => !pages.has(path) && text(path)?.includes(marker)),
    foreign: paths.filter((path) => path.endsWith('.md') && text(path)?.includes(marker) === false),
  }
}
export const folderOfPage = (root: string, path: string): string => dirname(join(root, path))
