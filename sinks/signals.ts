import { appendFileSync, closeSync, existsSync, openSync, readFileSync, truncateSync } from 'node:fs'
import { z } from 'zod'
import { type Committed, defineSink, type OpenedSink, type SinkContext } from '../runtime/define.ts'
import { toText } from '../schemas/fixed.ts'
import { Signal } from '../schemas/orders.ts'
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

/** Publishes each signal once, in order, on its subject; the file it keeps is what tells it where to go on. */
function open(_params: object, context: SinkContext): OpenedSink {
  const file = context.file(`${context.node}.jsonl`)
  const held: Held = file === undefined ? { commit: 0, order: -1 } : recover(file)
  const handle = file === undefined ? undefined : openSync(file, 'a')
  let lines = ''
  return {
    position: held,
    write(_port, row) {
      const said = message(context, row)
      context.publish(subjectOf(context.namespace, context.pipeline, context.node, row.key), said)
      lines += `${JSON.stringify(said)}\n`
      held.commit = row.commit
      held.order = row.order
    },
    flush() {
      if (lines === '') return
      if (handle !== undefined) appendFileSync(handle, lines)
      lines = ''
    },
    close() {
      if (handle !== undefined) closeSync(handle)
    },
  }
}

export const signals = defineSink({
  name: 'signals',
  version: 1,
  summary: 'Publishes each signal as one JSON message on its subject, exactly once and in order.',
  notes:
    'The subject is `NAMESPACE.sig.PIPELINE.NODE.VENUE.SYMBOL`; the namespace is `paper` or `bt-RUN`. Subscribers in the same process get the message, `tidegate run` prints it, and the run directory keeps `NODE.jsonl`. After a crash the sink goes on after the last line it holds.',
  input: { signal: Signal },
  params: z.strictObject({}),
  open,
  example: { params: {} },
})
