import { toJson } from '../../runtime/json.ts'
import { formatDuration, formatTime } from '../../schemas/units.ts'
import { BASE } from '../describe/drive_lines.ts'
import { moneyOf } from '../describe/message.ts'
import type { Expectation, PipelineTest } from './form.ts'
import type { Heard, Ran } from './run_steps.ts'

export interface Difference {
  /** `gate.approved #2`, `step 3`. */
  readonly where: string
  readonly expected: string
  readonly found: string
}

const close = 1e-9
const year = 366 * 86_400e6
/** An event time as the test file writes it. */
export const shownTime = (at: number): string =>
  at >= BASE && at - BASE < year ? formatDuration(at - BASE) : formatTime(at)
const shown = ({ key, at, value }: Heard): string => `at ${shownTime(at)} ${key} ${toJson(value)}`

/** What a run did against what its test expects; nothing when they agree. */
export function differences(test: PipelineTest, { messages, late, odd }: Ran): readonly Difference[] {
  const edges = [...new Set(test.expect.map((e) => e.edge))]
  return [
    ...odd,
    ...edges.flatMap((edge) =>
      edgeDifferences(
        edge,
        test.expect.filter((e) => e.edge === edge),
        messages.filter((m) => m.edge === edge),
      ),
    ),
    ...test.expect_none.flatMap((edge) => {
      const said = messages.filter((m) => m.edge === edge)
      return said.length === 0
        ? []
        : [{ where: edge, expected: 'no message', found: `${said.length}, the first ${shown(said[0] as Heard)}` }]
    }),
    ...(test.expect_late === undefined || test.expect_late === late
      ? []
      : [{ where: 'late rows', expected: String(test.expect_late), found: String(late) }]),
  ]
}

/** The messages of an edge are all expected, one by one in order; of each only what is named is compared. */
function edgeDifferences(
  edge: string,
  expected: readonly Expectation[],
  found: readonly Heard[],
): readonly Difference[] {
  const rows = expected.flatMap((want, i): Difference[] => {
    const where = `${edge} #${i + 1}`
    const message = found[i]
    if (message === undefined) return [{ where, expected: wanted(want), found: 'no more messages' }]
    const wrong = [
      ...(want.at === undefined || want.at === message.at
        ? []
        : [{ where: `${where} at`, expected: shownTime(want.at), found: shownTime(message.at) }]),
      ...(want.key === undefined || want.key === message.key
        ? []
        : [{ where: `${where} key`, expected: want.key, found: message.key }]),
      ...(want.value === undefined ? [] : partial(where, want.value, message.value)),
    ]
    return wrong
  })
  const more = found.slice(expected.length)
  return more.length === 0
    ? rows
    : [
        ...rows,
        {
          where: edge,
          expected: `${expected.length} message${expected.length === 1 ? '' : 's'}`,
          found: `${more.length} more, the first ${shown(more[0] as Heard)}`,
        },
      ]
}
const wanted = ({ at, value }: Expectation): string =>
  [at === undefined ? '' : `at ${shownTime(at)}`, value === undefined ? 'a message' : toJson(value)]
    .filter((t) => t !== '')
    .join(' ')

function partial(where: string, expected: unknown, found: unknown): readonly Difference[] {
  if (typeof expected === 'object' && expected !== null && !Array.isArray(expected)) {
    const bare = typeof found !== 'object' || found === null
    return Object.entries(expected).flatMap(([name, value]) =>
      partial(
        `${where} ${name}`,
        value,
        bare ? (name === 'value' ? found : undefined) : (found as Record<string, unknown>)[name],
      ),
    )
  }
  return same(expected, found)
    ? []
    : [{ where, expected: toJson(expected), found: found === undefined ? 'no such field' : toJson(found) }]
}
/** Money exactly; other numbers to nine digits; text, true and false as they are. */
function same(expected: unknown, found: unknown): boolean {
  if (typeof found === 'bigint') return moneyOf(expected) === found
  if (typeof expected === 'number' && typeof found === 'number')
    return expected === found || Math.abs(expected - found) <= close * Math.max(Math.abs(expected), Math.abs(found))
  return expected === found
}

/** The first output that a run with crashes gave otherwise. */
export function crashDifference(
  plain: readonly string[],
  crashed: readonly string[],
  when: string,
): Difference | undefined {
  const place = plain.findIndex((text, i) => text !== crashed[i])
  if (place < 0 && plain.length === crashed.length) return undefined
  const at = place < 0 ? plain.length : place
  return {
    where: `output ${at + 1} when every step crashes ${when}`,
    expected: plain[at] ?? 'no more outputs',
    found: crashed[at] ?? 'no more outputs',
  }
}
