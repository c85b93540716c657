import { appendFileSync, closeSync, existsSync, openSync, readFileSync, truncateSync } from 'node:fs'
import { z } from 'zod'
import { type Committed, defineSink, type OpenedSink, type SinkContext } from '../runtime/define.ts'
import { toText } from '../schemas/fixed.ts'
import { Signal } from '../schemas/orders.ts'
import { SIGNAL_SCHEMA } from '../schemas/signal_message.ts'
import { subjectOf } from '../schemas/subjects.ts'
import { formatTime } from '../schemas/units.ts'

/** Money as decimal text; doubles as they are. */
const plain = (value: unknown): unknown => {
  if (typeof value === 'bigint') return toText(value as never)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([field, v]) => [field, plain(v)]))
}

function message({ pipeline, node, plan }: SinkContext, row: Committed): Readonly<Record<string, unknown>> {
  return {
    schema: SIGNAL_SCHEMA,
    id: row.id,
    pipeline,
    node,
    key: row.key,
    time: formatTime(row.at),
    at: row.at,
    kind: row.kind,
    value: plain(row.value),
    plan: plan.slice(0, 16),
    commit: row.commit,
    order: row.order,
  }
}

interface Held {
  commit: number
  order: number
}
/** Where a file of messages ends; a line that a crash cut short is cut away. */
function recover(file: string): Held {
  if (!existsSync(file)) return { commit: 0, order: -1 }
  const text = readFileSync(file, 'utf8')
  const end = text.lastIndexOf('\n') + 1
  if (end < text.length) truncateSync(file, Buffer.byteLength(text.slice(0, end)))
  const last = text.slice(0, end).trimEnd().split('\n').at(-1)
  if (last === undefined || last === '') return { commit: 0, order: -1 }
  const { commit, order } = z.looseObject({ commit: z.int(), order: z.int() }).parse(JSON.parse(last))
  return { commit, order }
}

/** Keeps each signal, then publishes it on its subject; the file it keeps is what tells it where to go on. */
function open(_params: object, context: SinkContext): OpenedSink {
  const file = context.file(`${context.node}.jsonl`)
  const held: Held = file === undefined ? { commit: 0, order: -1 } : recover(file)
  const handle = file === undefined ? undefined : openSync(file, 'a')
  let waiting: { readonly subject: string; readonly said: ReturnType<typeof message> }[] = []
  return {
    position: held,
    write(_port, row) {
      waiting.push({
        subject: subjectOf(context.namespace, context.pipeline, context.node, row.key),
        said: message(context, row),
      })
      held.commit = row.commit
      held.order = row.order
    },
    flush() {
      if (waiting.length === 0) return
      const taken = waiting
      waiting = []
      if (handle !== undefined) appendFileSync(handle, taken.map(({ said }) => `${JSON.stringify(said)}\n`).join(''))
      for (const { subject, said } of taken) context.publish(subject, said)
    },
    close() {
      if (handle !== undefined) closeSync(handle)
    },
  }
}

export const signals = defineSink({
  name: 'signals',
  version: 1,
  summary: 'Keeps each signal as one line of JSON, exactly once and in order, and publishes it on its subject.',
  notes:
    'The subject is `NAMESPACE.sig.PIPELINE.NODE.VENUE.SYMBOL`; the namespace is `paper` or `bt`. The run directory keeps `NODE.jsonl`; then subscribers in the same process get the message, and `tidegate run` prints it. After a crash the sink goes on after the last line it holds: the file has every signal exactly once, and nothing is published that is not in it. A message is published at most once: one that the crash caught between its line and its publication is in the file alone. Only a loss of power that takes lines from the file with it has them kept and published again, with the same ids. Where there is no file, everything committed is published again at a restart, with the same ids.',
  input: { signal: Signal },
  params: z.strictObject({}),
  open,
  example: { params: {} },
})
