import type { Catalogue } from '../../runtime/define.ts'
import { rawWords } from '../../runtime/wire/raw_line.ts'
import { venues } from '../../sinks/evm/venues/catalogue.ts'
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
    '## raw',
    'What `tidegate record --raw DIR` writes into a folder of each source: every frame of every connection as it came, and all else a source hears of the world. It is read by the source it was recorded of, so that `tidegate import raw DIR -o TAPE` and `--bind NODE=raw:DIR` give the rows, gaps, heartbeats and events of the live run again, or what another parser and other params make of the same frames.',
    'Files `NNNNNN-TIME.raw` hold lines `<ns> <connection> <word> <payload>`: the local time of receipt in ns since 1970 (the clock counts µs), the place of the connection among those of the source or `-`, and:',
    table(
      ['word', 'payload'],
      Object.entries(rawWords).map(([word, payload]) => [code(word), payload]),
    ),
    'A file is appended to only by who began it, and forced to disk once a second; after `--rotate-bytes` or `--rotate-every` it is closed and gzipped. After a crash or on a full disk every line that was written is there, and at most the last one of a file is torn: it is left out, and told. What is sent and received stands there as it is, keys in messages too.',
    fence(
      'sh',
      'tidegate record binance_trades --params \'{"symbols":["BTCUSDT"]}\' --raw frames\ntidegate import raw frames/binance_trades -o out.tape',
    ),
    fence(
      'text',
      `1704067200000000000 - start {"tidegate_raw":1,"node":"binance_trades","source":"binance_trades","version":2,"params":{"symbols":["BTCUSDT"]},"position":0,"seed":7}
1704067200100000000 0 opened 
1704067200200000000 0 in {"stream":"btcusdt@trade","data":{"e":"trade","E":1704067200100,"s":"BTCUSDT","t":1,"p":"42000.00","q":"0.5","T":1704067200100,"m":true,"M":true}}
1704067201200000000 0 alive 
1704067202200000000 0 lost closed code 1006`,
    ),
  )
/** Where `evm_swap` trades. */
export const venuesPage = (): string =>
  page(
    '# Venues of EVM chains',
    'Where [evm_swap](sinks/evm_swap.md) trades: the `venue` of a market is the `name` of one of these, and its params. What is on a chain under other addresses (a fork, another deployment) is the same venue with those addresses.',
    table(
      ['venue', 'does'],
      [...venues.values()].map(({ name, summary }) => [`[${name}](#${name})`, summary]),
    ),
    ...[...venues.values()].flatMap(({ name, summary, params }) => [
      `## ${name}`,
      summary,
      paramTable(paramRows(params)),
    ]),
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
    '- [Command line](cli.md): every verb and option\n- [Kinds](kinds.md): what flows on the edges\n- [Import formats](formats.md): recorded data that can be read\n- [Venues](venues.md): where `evm_swap` trades\n- [Error codes](errors/README.md): what each means and what to do\n- [pipeline.schema.json](../schemas/pipeline.schema.json): definitions for editors; begin a YAML file with `# yaml-language-server: $schema=PATH`',
    'Pages about components, error codes, formats and the command line are generated from the code by `tidegate docs`, and a test compares them.',
    '## Sources',
    list('sources', sources),
    '## Operators',
    list('operators', operators),
    '## Sinks',
    list('sinks', sinks),
  )
}
