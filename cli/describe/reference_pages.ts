import type { Catalogue } from '../../runtime/define.ts'
import { formats } from '../../sources/formats/catalogue.ts'
import type { Format } from '../../sources/formats/format.ts'
import type { Verb } from '../verb.ts'
import { paramTable } from './component_page.ts'
import { exits } from './error_pages.ts'
import { code, fence, page, table } from './markdown.ts'
import { paramRows } from './param_table.ts'

/** What `tidegate import` reads. */
export const formatsPage = (): string =>
  page(
    '# Import formats',
    '`tidegate import FORMAT FILE... -o TAPE` makes a tape of recorded data; with `auto` the format is found from the name and the first lines of each file. Files may be gzipped. The options of a format are given as `--option NAME=VALUE`.',
    table(
      ['format', 'gives', 'reads'],
      Object.values(formats).map(({ name, kind, summary }) => [
        `[${name}](#${name})`,
        `[${kind.kind}](kinds.md#${kind.kind})`,
        summary,
      ]),
    ),
    ...Object.values(formats).flatMap(formatParts),
  )
function formatParts({
  name,
  summary,
  kind,
  notes,
  options,
  example,
  example_file,
  example_options,
}: Format): readonly string[] {
  const given = Object.entries(example_options).map(([option, value]) => ` --option ${option}=${String(value)}`)
  return [
    `## ${name}`,
    `${summary} Gives [${kind.kind}](kinds.md#${kind.kind}).`,
    notes,
    paramTable(paramRows(options)),
    fence('sh', `tidegate import ${name} ${example_file} -o out.tape${given.join('')}`),
    fence('text', example),
  ]
}

/** Every verb with its options. */
export const cliPage = (verbs: readonly Verb[]): string =>
  page(
    '# Command line',
    'Every verb has `--json`: one document on stdout, or JSON lines for streams. Words for people, and progress on a terminal, go to stderr. `--help` tells what is written here. Durations are `500ms`, `1s`, `1m`, `1h` or `1d`; times are ISO text, days or microseconds since 1970.',
    table(
      ['verb', ''],
      verbs.map(({ name, summary }) => [`[${name}](#${name})`, summary]),
    ),
    '## Exit codes',
    table(['code', 'meaning'], Object.entries(exits)),
    ...verbs.flatMap((verb) => [
      `## ${verb.name}`,
      fence('sh', `tidegate ${verb.name} ${verb.form}`.trimEnd()),
      verb.summary,
      optionTable(verb),
      verb.notes === undefined ? '' : verb.notes.includes('\n') ? fence('text', verb.notes) : verb.notes,
    ]),
  )
const optionTable = ({ options }: Verb): string =>
  table(
    ['option', 'meaning'],
    Object.entries(options).map(([name, { short, value, help, multiple }]) => [
      code(`${short ? `-${short}, ` : ''}--${name}${value ? ` ${value}` : ''}`),
      `${help}${multiple ? '; may be repeated' : ''}`,
    ]),
  )

/** The way into the generated pages. */
export function indexPage({ sources, operators, sinks }: Catalogue): string {
  const list = (
    folder: string,
    components: Readonly<Record<string, { readonly name: string; readonly summary: string }>>,
  ) =>
    table(
      ['', ''],
      Object.values(components).map(({ name, summary }) => [`[${name}](${folder}/${name}.md)`, summary]),
    )
  return page(
    '# Reference',
    '- [Command line](cli.md): every verb and option\n- [Kinds](kinds.md): what flows on the edges\n- [Import formats](formats.md): recorded data that can be read\n- [Error codes](errors/README.md): what each means and what to do\n- [pipeline.schema.json](../schemas/pipeline.schema.json): definitions for editors; begin a YAML file with `# yaml-language-server: $schema=PATH`',
    'Pages about components, error codes, formats and the command line are generated from the code by `tidegate docs`, and a test compares them.',
    '## Sources',
    list('sources', sources),
    '## Operators',
    list('operators', operators),
    '## Sinks',
    list('sinks', sinks),
  )
}
