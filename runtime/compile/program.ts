import { type Column, columnsOf, isBare } from '../../schemas/columns.ts'
import { rowMaker, rowReader } from '../../schemas/frame_reader.ts'
import type { Kind } from '../../schemas/kind.ts'
import { isMany } from '../define.ts'
import { DIRTY, type Edge, type Network, NOTHING, Outlook, type Reader, type Running, STRAGGLERS } from '../network.ts'
import { FEEDBACK_ANSWERED, SCAN_SILENT } from '../passes.ts'
import type { Schedule } from '../schedule.ts'
import { flatOf } from '../state/flat.ts'
import { sleeps } from '../timers.ts'
import { MAX_JUMP } from '../watermarks.ts'
import * as name from './names.ts'
import { type Entry, PassText, type Way } from './pass.ts'
import { rowsText } from './rows.ts'
import { Text } from './text.ts'

/** A program as text, and the values it names: the same for all networks of one shape. */
export interface Written {
  readonly text: string
  readonly scope: Readonly<Record<string, unknown>>
  /** What it names of one network: arrays, states, params. */
  readonly bound: readonly string[]
  /** The functions it gives. */
  readonly offered: readonly string[]
  /** Per source the edges that speak for every row of its loop. */
  readonly always: readonly (readonly number[])[]
}

/** Where so much mail is still to be read, what follows an answer that seldom comes is not written out. */
const MOST_LEFT = 32
const shared = ['records', 'groups', 'dirty', 'troubled', 'R', 'W', 'sent', 'kernels']
const hooks = ['failed', 'setAlarm', 'here', 'wake', 'resume', 'spoke', 'pass', 'shaped']

/** Writes the program of a plan: a loop per source, a function per timer, per edge of many messages and per kernel. */
export function write(network: Network, schedule: Schedule): Written {
  const { nodes, edges, plan } = network
  const readers = new Map<Reader, number>(edges.flatMap((e) => e.readers).map((r, i) => [r, i]))
  const asks = nodes.some((n) => n.planned.operator.kernel !== undefined)
  const functions: Text[] = []
  const offered: string[] = []
  const inlets = network.inlets.map(({ row }) => row)

  const afters = new Map<string, string | undefined>()
  const after: Way['after'] = (node, rest, args) => {
    if (rest.length > MOST_LEFT) return undefined
    const left = rest.map((r) => `${readers.get(r.reader)}:${r.message}:${r.ordinal}:${r.when.length}`)
    const form = [node.index, ...args, ...left].join()
    if (!afters.has(form)) {
      const before = [...afters.keys()].filter((f) => f.startsWith(`${node.index},`)).length
      const title = name.afterOf(node, before)
      const head = `${title}(${['k', 'at', ...args].join(', ')})`
      afters.set(form, passFunction(head, { type: 'heard', node, rest, args }, '') ? title : undefined)
    }
    return afters.get(form)
  }
  const passFunction = (title: string, entry: Entry, guard: string) => {
    const alone = { leave: 'return;', again: 'v', time: 'at', here: '', bulk: false }
    // one answer that seldom comes after another is left to the interpreter: else there were as many forms of a pass as
    // there are sets of them
    const way = { ...alone, after: entry.type === 'heard' ? () => undefined : after }
    const pass = new PassText(readers, way).write(entry)
    if (pass === undefined) return false
    functions.push(
      new Text().add(
        `function ${title} {`,
        ...(guard === '' ? [] : [guard]),
        `dirty[k] |= ${DIRTY};`,
        'const s = records[k], b = k * STRIDE;',
        ...pass,
        '}',
      ),
    )
    return true
  }

  // edges that are spoken on from inside another pass, and those of sources
  const nested = edges.filter((e) =>
    nodes.some((n) => n.outputs.some((o) => o.edge === e && isMany(kindIn(n, o.port)))),
  )
  for (const edge of [...nested, ...inlets]) {
    const guard = nested.includes(edge) ? `if (troubled[k] === 1) { pass(${edge.index}, k, at, v); return; }` : ''
    const entry: Entry = { type: 'message', edge }
    if (!passFunction(`${name.sendOf(edge)}(k, at, v)`, entry, guard))
      functions.push(new Text().add(`function ${name.sendOf(edge)}(k, at, v) {`, `pass(${edge.index}, k, at, v);`, '}'))
    offered.push(name.sendOf(edge))
  }
  for (const node of nodes) {
    const { id, operator } = node.planned
    const guard = `if (troubled[k] === 1) { wake(${node.index}, k, at); return; }`
    if (operator.timer && passFunction(`fire_${id}(k, at)`, { type: 'timer', node }, guard)) offered.push(`fire_${id}`)
    if (operator.kernel && passFunction(`answer_${id}(k, at, v)`, { type: 'answer', node }, ''))
      offered.push(`answer_${id}`)
  }
  let told = 0
  const always = inlets.map((edge, source) => {
    // few and far between: the engine takes them
    if (plan.sources[source]?.passive === true) return []
    const pass = new PassText(readers, {
      leave: 'return i + 1;',
      again: `read_${plan.sources[source]?.id}(f, i)`,
      time: 'times[i]',
      here: 'here(i - from); ',
      bulk: true,
      after,
    })
    const text = pass.write({ type: 'message', edge })
    if (text === undefined) return []
    const hands = schedule.clocks.flatMap((clock, number) =>
      schedule.moved[source]?.includes(clock) ? [{ number, clock }] : [],
    )
    functions.push(rowsText(network, source, hands, text, pass.followUps, asks))
    told = Math.max(told, pass.told)
    offered.push(`rows_${plan.sources[source]?.id}`)
    return pass.always.map((e) => e.index)
  })

  const bound = [...shared, ...hooks, ...boundNames(network, schedule)]
  const said = Array.from({ length: told }, (_, n) => `, said_${n}`)
  const head = new Text().add(
    ...(told === 0 ? [] : ['// where a loop has left off, and with what', `let left = 0${said.join('')};`]),
    'function lost(e, node, k, at, mail) {',
    'failed(node, k, at, e);',
    'resume(k, at, mail);',
    '}',
    `function answered() {`,
    `return new Error('${FEEDBACK_ANSWERED}');`,
    '}',
    'function unanswered() {',
    `return new Error('${SCAN_SILENT}');`,
    '}',
    '// which message of its edge, key and time this one is',
    'function ordinal(p, at) {',
    'const last = R[p];',
    'if (at > last) {',
    'R[p] = at;',
    'R[p + 1] = 0;',
    'return 0;',
    '}',
    'return at === last ? ++R[p + 1] : STRAGGLERS + R[p + 2]++;',
    '}',
    ...edges.flatMap(memoryText),
    ...nodes.flatMap(questionText),
  )
  const text = [head, ...functions].join('\n')
  return { text, scope: scopeOf(network), bound, offered, always }
}

const kindIn = (node: Running, port: string) =>
  (node.single
    ? node.planned.operator.output
    : (node.planned.operator.output as Record<string, unknown>)[port]) as never

/** Keeps and reads the newest message of an edge; `b` is where the memory of the key begins. */
function memoryText(edge: Edge): readonly string[] {
  if (edge.kept === undefined) return []
  return [
    `function ${name.keepOf(edge)}(b, v) {`,
    `const a = b + ${edge.spot + 1};`,
    edge.kept.puts,
    `R[b + ${edge.spot}] = 1;`,
    '}',
    `function ${name.lastOf(edge)}(b) {`,
    `const a = b + ${edge.spot + 1};`,
    `return ${edge.kept.takes};`,
    '}',
  ]
}

/** Puts a question to a kernel: it answers after the moment. */
function questionText(node: Running): readonly string[] {
  const { operator } = node.planned
  if (operator.kernel === undefined) return []
  return [
    `function ${name.askOf(node)}(k, at, v) {`,
    `const a = ${name.batchOf(node)}.take(k, at), R = ${name.batchOf(node)}.questions.real;`,
    flatOf(operator.inputs['in'] as Kind).puts,
    '}',
  ]
}

function boundNames({ nodes, edges, in_order, plan }: Network, { clocks }: Schedule): readonly string[] {
  return [
    ...nodes.flatMap((n) => [
      name.paramsOf(n),
      name.partsOf(n),
      ...(n.latest.length === 0 ? [name.envOf(n)] : []),
      ...(n.wide ? [name.stateOf(n)] : []),
      ...(n.planned.operator.kernel ? [name.batchOf(n)] : []),
      ...(n.planned.operator.alarm ? [name.alarmsOf(n)] : []),
      ...(sleeps(n) ? [name.awakeOf(n)] : []),
      ...n.latest.filter((l) => !l.waits).map((l) => name.constantOf(n, l.port)),
    ]),
    ...edges.filter((e) => e.recorded).map(name.recorderOf),
    ...in_order.map(name.newestOf),
    ...plan.sources.flatMap((_, s) => [`newest_${s}`, `idle_${s}`]),
    ...clocks.flatMap((_, c) => [`marks_${c}`, `dues_${c}`]),
  ]
}

/** Functions and classes, the same for every network of the shape. */
function scopeOf({ nodes, edges, plan, stride }: Network): Readonly<Record<string, unknown>> {
  const scope: Record<string, unknown> = {
    Outlook,
    NOTHING,
    STRAGGLERS,
    STRIDE: stride,
    JUMP: MAX_JUMP,
    MOST: Number.MAX_SAFE_INTEGER,
  }
  for (const node of nodes) {
    const { operator } = node.planned
    for (const port of Object.keys(node.planned.inputs)) scope[name.handlerOf(node, port)] = operator.on[port]
    if (operator.timer) scope[name.fireOf(node)] = operator.timer.fire
    if (operator.silent) scope[name.silentOf(node)] = operator.silent
    if (sleeps(node)) scope[name.idleOf(node)] = operator.timer?.idle
    if (operator.alarm) scope[name.alarmOf(node)] = operator.alarm.at
    if (node.latest.length > 0) scope[name.lookoutOf(node)] = node.lookout
  }
  for (const edge of edges) {
    if (edge.kept) Object.assign(scope, edge.kept.scope)
  }
  for (const { id, component, passive } of plan.sources) {
    if (passive === true) continue
    const { output } = component
    scope[`read_${id}`] = rowReader(output)
    if (!isBare(output)) scope[name.rowOf(output)] = rowMaker(output)
    for (const { name: field, values } of columnsOf(output) as readonly Column[])
      if (values !== undefined) scope[name.valuesOf(output, field)] = values
  }
  return scope
}
