import { aligned, wrapped } from './columns_text.ts'
import type { ComponentCard } from './component_card.ts'
import type { ParamRow } from './param_table.ts'
import type { SpokenPort } from './ports.ts'

const heading = (name: string, body: string): readonly string[] => (body === '' ? [] : ['', name, body])

/** A component for a terminal. */
export function cardText(card: ComponentCard): string {
  const { role, name, version, summary, notes, reads, speaks, params, habits, example, drive } = card
  return [
    `${name} (${role}, version ${version})`,
    wrapped(summary),
    ...(notes === '' ? [] : ['', wrapped(notes)]),
    ...heading('reads', aligned(reads.map(({ port, kind, meaning }) => [port, kind, meaning]))),
    ...heading('speaks', aligned(speaks.map((port) => [edgeWords(port), port.kind, port.meaning]))),
    ...heading(
      'params',
      params.length === 0 ? '  none' : aligned(params.map((p) => [p.name, p.type, defaultWords(p), p.meaning])),
    ),
    ...heading('habits', habits.map((habit) => `  ${habit}`).join('\n')),
    ...heading('in a definition', example.replaceAll(/^/gm, '  ')),
    ...(drive === undefined
      ? []
      : heading(
          `tidegate drive ${name} --params '${drive.params}'`,
          drive.lines
            .flatMap(({ input, output }) => [`  < ${input}`, ...output.map((line) => `  > ${line}`)])
            .join('\n'),
        )),
  ].join('\n')
}
export const edgeWords = ({ port }: SpokenPort): string => (port === '' ? '(the node)' : `.${port}`)
export const defaultWords = (param: ParamRow): string =>
  param.required ? 'required' : param.default === undefined ? 'optional' : `default ${param.default}`

/** A list of components, a line each. */
export function listText(cards: readonly ComponentCard[]): string {
  const groups = ['source', 'operator', 'sink'] as const
  return groups
    .map((role) => {
      const rows = cards
        .filter((card) => card.role === role)
        .map(({ name, reads, speaks, summary }) => {
          const kinds = (ports: readonly { readonly kind: string }[]) =>
            [...new Set(ports.map((p) => p.kind))].join(', ')
          const called = reads.filter((p) => p.way !== 'ambient')
          const said = role === 'source' ? speaks.slice(0, 1) : speaks
          return [name, [kinds(called), kinds(said)].filter((k) => k !== '').join(' -> '), summary]
        })
      return rows.length === 0 ? '' : `${role}s\n${aligned(rows)}`
    })
    .filter((group) => group !== '')
    .join('\n\n')
}
