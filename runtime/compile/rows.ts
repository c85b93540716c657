import { type Column, columnsOf, isBare } from '../../schemas/columns.ts'
import { cellOf } from '../../schemas/frame_reader.ts'
import { KEY_GROUPS } from '../key_groups.ts'
import { DIRTY, type Network, TOLD } from '../network.ts'
import type { Clock } from '../schedule.ts'
import { MAX_JUMP } from '../watermarks.ts'
import * as name from './names.ts'
import { fieldsHeard } from './reads.ts'
import { Text } from './text.ts'

/** Event time as a loop over rows sees it: the clocks that a source moves, by their number in the program. */
export interface Hand {
  readonly number: number
  readonly clock: Clock
}

/** What stands in a message for a field that nobody reads: of the same type, for V8. */
const blank = ({ type, values }: Column): string =>
  type === 'dict' ? "''" : type === 'fixed' ? '0n' : type === 'u8' ? JSON.stringify(values?.[0]) : '0'

/**
 * Moves a number on to one that may be greater. Which of two rows is the newer one is a toss of a coin where rows come out
 * of order, and a branch that is guessed wrong costs more than all of this; it is exact, for times are whole.
 */
const raise = (place: string, word: string, to: string): readonly string[] => [
  `const on_${word} = ${to} - ${place};`,
  `${place} += (on_${word} + Math.abs(on_${word})) / 2;`,
]

/**
 * The loop over the rows of a source. It takes rows that are in time and set nothing going; any other row it leaves to be
 * taken by hand (a late row, a key that is new, a time that is not believed), and gives its number back. Where
 * all clocks hear this source alone, it gives `~` the number of a row before which something is due: time goes on to that
 * row, which is the newest then, and so the loop goes on with it.
 *
 * What seldom follows a row (`followUps`) is done outside of the loop, which then begins anew.
 */
export function rowsText(
  network: Network,
  source: number,
  hands: readonly Hand[],
  pass: readonly string[],
  followUps: readonly string[],
  asks: boolean,
): Text {
  const planned = network.plan.sources[source] as Network['plan']['sources'][number]
  const { output } = planned.component
  const columns = columnsOf(output)
  // what nobody can read is not fetched: every column is one more place of the memory to wait for
  const heard = fieldsHeard((network.inlets[source] as Network['inlets'][number]).row)
  const isRead = (column: Column) => isBare(output) || heard === undefined || heard.has(column.name)
  const cells = columns.map((column, c) => {
    const values = name.valuesOf(output, column.name)
    return isRead(column) ? cellOf(column, `c${c}`, values) : blank(column)
  })
  const message = isBare(output) ? cells[0] : `new ${name.rowOf(output)}(${cells.join(', ')})`
  const alone = hands.every(({ clock }) => clock.watermarks.sources.length === 1)
  const text = new Text().add(
    `function ${followUps.length === 0 ? 'rows' : 'loop'}_${planned.id}(f, codes, from, to) {`,
    `const times = f.at, key = f.key, columns = f.columns;`,
    ...columns.flatMap((column, c) => (isRead(column) ? [`const c${c} = columns[${c}];`] : [])),
    'for (let i = from; i < to; i++) {',
    'const at = times[i], k = codes[key[i]];',
    '// a key that is new, or left to the interpreter',
    'if (k < 0) return i;',
    `const g = groups[k], seen = newest_${source}[g];`,
  )
  const unlikely = 'seen === -Infinity || at - seen > JUMP || at > MOST'
  // a timer that is due within a year bounds what is believed
  const bounded =
    alone && hands.some(({ clock }) => clock.own.timers.some((t) => t.every + planned.lateness < MAX_JUMP))
  const odd = `if (idle_${source}[g] !== 0 || at !== Math.floor(at)) return i;`
  if (alone) {
    // the mark of a clock that hears this source only is where the source is, or beyond; after an upgrade to a smaller
    // lateness it is still behind, and the engine moves it on
    const late = [`at < seen - ${planned.lateness}`, ...hands.map(({ number }) => `at < marks_${number}[g]`)]
    const due = hands.map(({ number }) => `to_g >= dues_${number}[g] || at >= dues_${number}[${KEY_GROUPS}]`)
    const on = [
      ...raise(`newest_${source}[g]`, 'g', 'at'),
      ...hands.flatMap(({ number }) => [
        ...raise(`marks_${number}[g]`, `g_${number}`, 'to_g'),
        ...raise(`marks_${number}[${KEY_GROUPS}]`, `all_${number}`, 'at'),
      ]),
    ]
    text.add(odd, `if (at < 0 || ${late.join(' || ')}) return i;`, ...(bounded ? [] : [`if (${unlikely}) return i;`]))
    if (due.length === 0) text.add(...on)
    else
      text.add(
        `const to_g = at - ${planned.lateness};`,
        `if (${due.join(' || ')}) {`,
        '// something is due before this row',
        `return !(at > seen)${bounded ? ` || ${unlikely}` : ''} ? i : ~i;`,
        '}',
        ...on,
      )
  } else {
    text.add(odd, `if (!(at >= 0) || ${unlikely}) return i;`, 'const now = at > seen ? at : seen;')
    for (const { number, clock } of hands) {
      text.add(`let to_${number} = now - ${planned.lateness};`)
      for (const other of clock.watermarks.sources) {
        if (other === source) continue
        const { lateness } = network.plan.sources[other] as typeof planned
        text.add(
          `if (newest_${other}[g] !== -Infinity && idle_${other}[g] === 0 && newest_${other}[g] - ${lateness} < to_${number}) to_${number} = newest_${other}[g] - ${lateness};`,
        )
      }
      text.add(
        `if (marks_${number}[g] > to_${number}) to_${number} = marks_${number}[g];`,
        `if (to_${number} >= dues_${number}[g] || at >= dues_${number}[${KEY_GROUPS}] || at < to_${number}) return i;`,
      )
    }
    text.add(
      `if (at < now - ${planned.lateness}) return i;`,
      `newest_${source}[g] = now;`,
      ...hands.flatMap(({ number }) => [
        `marks_${number}[g] = to_${number};`,
        ...raise(`marks_${number}[${KEY_GROUPS}]`, `all_${number}`, 'at'),
      ]),
    )
  }
  text.add(`dirty[k] = ${DIRTY | TOLD};`, 'const s = records[k], b = k * STRIDE;', `const v = ${message};`)
  text.add(...pass)
  if (asks) text.add('if (kernels.asked !== 0) return i + 1;')
  text.add('}', 'return to;', '}')
  if (followUps.length === 0) return text
  return text.add(
    `function rows_${planned.id}(f, codes, from, to) {`,
    `const i = loop_${planned.id}(f, codes, from, to);`,
    'if (left === 0) return i;',
    '// a row that set something going is taken to its end here',
    'const place = left, times = f.at, k = codes[f.key[i]];',
    'left = 0;',
    ...followUps.flatMap((text, n) => [`if (place === ${n + 1}) {`, text, '}']),
    '}',
  )
}
