import type { ComponentCard } from './component_card.ts'
import { edgeWords } from './component_text.ts'
import { code, fence, page, table } from './markdown.ts'
import type { ParamRow } from './param_table.ts'

const kindLink = (kind: string): string => `[${kind}](../kinds.md#${kind})`

/** The page of a component: what it is, its ports, params and habits, and an example with what goes in and comes out. */
export function componentPage(card: ComponentCard): string {
  const { role, name, version, summary, notes, reads, speaks, params, habits, example, drive } = card
  const ports = [
    ...reads.map(({ port, kind, meaning }) => ['reads', code(port), kindLink(kind), meaning]),
    ...speaks.map((port) => [
      'speaks',
      port.port === '' ? edgeWords(port) : code(port.port),
      kindLink(port.kind),
      `${port.meaning}${port.many ? ' Several may leave at once.' : ''}`,
    ]),
  ]
  return page(
    `# ${name}`,
    summary,
    `*${role[0]?.toUpperCase()}${role.slice(1)}, version ${version}.*`,
    notes,
    '## Ports',
    table(['', 'port', 'kind', ''], ports),
    '## Params',
    paramTable(params) || 'None.',
    '## Behaviour',
    habits.map((habit) => `- ${habit}`).join('\n'),
    '## Example',
    fence('yaml', example),
    drive === undefined
      ? ''
      : `The worked example, as \`tidegate drive ${name} --params '${drive.params}'\` reads (\`<\`) and answers (\`>\`) it:`,
    drive === undefined
      ? ''
      : fence(
          'text',
          drive.lines.flatMap(({ input, output }) => [`< ${input}`, ...output.map((line) => `> ${line}`)]).join('\n'),
        ),
  )
}

export const paramTable = (params: readonly ParamRow[]): string =>
  table(
    ['name', 'type', 'default', 'meaning'],
    params.map((p) => [
      code(p.name),
      code(p.type),
      p.required ? '**required**' : code(p.default ?? '') || 'none',
      p.meaning,
    ]),
  )
