import { typeOf } from '../../schemas/columns.ts'
import { type Edge, type InOrder, type Reader, type Running, TOLD } from '../network.ts'
import { sleeps } from '../timers.ts'
import * as name from './names.ts'
import { ENV, fieldsRead } from './reads.ts'

/** What a straight line cannot hold: a plan whose nodes call each other this often in one pass is interpreted there. */
const MOST_CALLS = 300

/** How a pass begins. */
export type Entry =
  | { readonly type: 'message'; readonly edge: Edge }
  | { readonly type: 'timer'; readonly node: Running }
  | { readonly type: 'answer'; readonly node: Running }
  | { readonly type: 'heard'; readonly node: Running; readonly rest: readonly Mail[]; readonly args: readonly string[] }

/** How a pass is left when a node has thrown: what was done by then, and the way out. */
export interface Way {
  /** Statement that ends the pass here. */
  readonly leave: string
  /**
   * Makes the message that came in once more. One that is handed on where the pass is left would have to be an object on
   * every pass; one that is only read in place never becomes one.
   */
  readonly again: string
  /** Event time, read once more: shared with the way out it would be boxed on every pass. */
  readonly time: string
  /** Statement that says which row is at hand, before something may fail out of sight. */
  readonly here: string
  /**
   * It is the pass of a loop over rows. Messages that come with every pass are counted by who runs the loop, and what
   * seldom follows (`after`) is done outside of it.
   */
  readonly bulk: boolean
  /**
   * Name of a function for what follows an answer that seldom comes, with mail still to be read. It takes key code, time
   * and `args`, the answer first. Undefined where that is left to the interpreter.
   */
  readonly after: (node: Running, rest: readonly Mail[], args: readonly string[]) => string | undefined
}

/**
 * Ports that seldom answer: of windows, which answer when they close, and of whoever only keeps an eye on prices. With an
 * answer the pass is left: what follows, written in place, would crowd the loop, and after a call that comes back V8 looks
 * at everything anew. After an answer of who keeps an eye on prices (a fill) it goes on in a function of its own; windows
 * that answer a message are rarer still, and left to the interpreter.
 */
const isQuiet = (node: Running, port: string): boolean => {
  const { operator } = node.planned
  return !operator.always && (watches(node, port) || (operator.timer !== undefined && node.single))
}
const watches = ({ planned: { operator } }: Running, port: string): boolean => Object.hasOwn(operator.ambient, port)

/** Sets what a handler can read of what changes from call to call. */
function seen(node: Running, read: readonly string[] | undefined, ordinal: string): readonly string[] {
  const values = {
    at: 'at',
    key: 's.$key',
    ordinal,
    ...(node.planned.operator.each ? { each: name.partOf(node) } : {}),
  }
  return Object.entries(values).flatMap(([field, value]) =>
    read === undefined || read.includes(field) ? [`${name.envOf(node)}.${field} = ${value};`] : [],
  )
}

/** A message on its way to a node: the variables it and its ordinal are in, and when there is one. */
export interface Mail extends Handed {
  readonly reader: Reader
  readonly message: string
  readonly ordinal: string
  readonly when: readonly string[]
}
interface Handed {
  /** The message where it was sent, and undefined where it was not: for who goes on with the pass elsewhere. */
  readonly handed: string
}

/**
 * Writes a pass as a straight line: the queue of the interpreter is played through once, with every message that may
 * come. The order of calls is that of the interpreter; what may or may not come stands in an `if`, and calls that stand
 * in the same one share it.
 */
export class PassText {
  /** Edges that speak in every such pass. */
  readonly always: Edge[] = []
  /** What is done outside of the loop, where `left` is the number of one, from 1 on; `said_0` and on are what it is told. */
  private readonly outside: string[] = []
  /** How many things one of these is told at most. */
  told = 0
  private readonly way: Way
  private readonly lines: { readonly when: readonly string[]; readonly lines: readonly string[] }[] = []
  private readonly variables: string[] = []
  private args: readonly string[] = []
  private readonly here = new Map<Edge, { readonly message: string; readonly when: readonly string[] }>()
  /** Whether the message at hand is no older than what ports in order have heard: asked once for all of them. */
  private readonly asked = new Map<InOrder, { readonly variable: string; readonly when: readonly string[] }>()
  private readonly readers: ReadonlyMap<Reader, number>
  private mail: Mail[] = []
  private calls = 0

  constructor(readers: ReadonlyMap<Reader, number>, way: Way) {
    this.readers = readers
    this.way = way
  }

  /** The lines, unindented. Undefined where the pass is too wide for a straight line. */
  write(entry: Entry): readonly string[] | undefined {
    if (entry.type === 'message') this.emit(entry.edge, 'v', [])
    else if (entry.type === 'answer') this.speak(entry.node, 'v', [])
    else if (entry.type === 'timer') this.call(entry.node, undefined)
    else this.heard(entry)
    for (;;) {
      let first = 0
      for (let i = 1; i < this.mail.length; i++)
        if ((this.mail[i] as Mail).reader.node.index < (this.mail[first] as Mail).reader.node.index) first = i
      const [mail] = this.mail.splice(first, 1)
      if (mail === undefined) break
      if (++this.calls > MOST_CALLS) return undefined
      this.call(mail.reader.node, mail)
    }
    return this.text()
  }

  private line(when: readonly string[], ...lines: readonly string[]): void {
    this.lines.push({ when, lines })
  }
  private variable(wanted: string): string {
    let [found, n] = [wanted, 2]
    while (this.variables.includes(found) || this.args.includes(found)) found = `${wanted}_${n++}`
    this.variables.push(found)
    return found
  }

  private emit(edge: Edge, message: string, when: readonly string[], handed = message): void {
    const ordinal = edge.numbered ? this.variable(`o_${name.ident(edge.name)}`) : 'NaN'
    const bulk = this.way.bulk && when.length === 0
    if (bulk) this.always.push(edge)
    this.line(
      when,
      ...(edge.numbered ? [`${ordinal} = ordinal(b + ${edge.place}, at);`] : []),
      ...(bulk ? [] : [`sent[${edge.index}]++;`]),
      ...(edge.kept ? [`${name.keepOf(edge)}(b, ${message});`] : []),
      ...(edge.recorded ? [`${name.recorderOf(edge)}(s.$key, at, ${ordinal}, ${message}, k);`] : []),
    )
    this.here.set(edge, { message, when })
    for (const reader of edge.readers) this.mail.push({ reader, message, ordinal, when, handed })
  }

  private call(node: Running, mail: Mail | undefined): void {
    const { operator, id } = node.planned
    const when = this.inOrder(mail)
    if (operator.kernel !== undefined) {
      this.line(when, `// ${id}: ${operator.name}`, `${name.askOf(node)}(k, at, ${mail?.message});`)
      return
    }
    const waits: string[] = []
    const latest = node.latest.map(({ port, edge, waits: must }) => {
      if (edge === undefined) return name.constantOf(node, port)
      const local = this.here.get(edge)
      // what is kept has no minus zero among numbers that stand for something
      if (edge.kept?.exact && local?.when.every((w, i) => when[i] === w)) return local.message
      const spoken = `R[b + ${edge.spot}] === 1`
      if (!must) return `${spoken} ? ${name.lastOf(edge)}(b) : ${name.constantOf(node, port)}`
      waits.push(spoken)
      return `${name.lastOf(edge)}(b)`
    })
    let called = when
    if (waits.length > 0) {
      const ready = this.variable(`ready_${id}`)
      this.line(when, `${ready} = ${waits.join(' && ')};`)
      called = [...when, ready]
    }
    const ordinal = mail?.ordinal ?? '0'
    const handler = mail === undefined ? operator.timer?.fire : operator.on[mail.reader.port]
    const { env, sees } =
      latest.length === 0
        ? { env: name.envOf(node), sees: seen(node, fieldsRead(handler as never, ENV), ordinal) }
        : { env: this.looking(node, latest, ordinal), sees: [] }
    const lost = this.lost(node)
    const port = mail === undefined ? '' : `.${mail.reader.port}`
    const words = `// ${id}${port}: ${operator.name}`
    const [f, args] =
      mail === undefined
        ? [name.fireOf(node), `at, ${env}`]
        : [name.handlerOf(node, mail.reader.port), `${mail.message}, ${env}`]
    const run = `${f}(${name.stateOf(node)}, ${args})`
    const { wakes, rests } = this.rest(node, mail)
    const begin = [words, ...wakes, ...sees, 'try {']
    if (mail?.reader.feedback) {
      this.line(called, ...begin, `if (${run} !== undefined) throw answered();`, ...this.alarm(node), ...lost)
      return
    }
    const answer = this.variable(`v_${id}`)
    if (mail !== undefined && isQuiet(node, mail.reader.port)) {
      const rings = this.rings(node)
      const rung = rings === undefined ? undefined : this.variable(`rung_${id}`)
      this.line(
        called,
        ...begin,
        `${answer} = ${run};`,
        ...(rung === undefined ? [] : [`${rung} = ${rings};`]),
        ...lost,
        `if (${[`${answer} !== undefined`, ...(rung === undefined ? [] : [rung])].join(' || ')}) {`,
        (watches(node, mail.reader.port) && this.after(node, answer)) ||
          this.exit(`spoke(${node.index}, k, TIME, ${answer}, REST)`),
        '}',
      )
      return
    }
    const silence = operator.always ? [`if (${answer} === undefined) throw unanswered();`] : []
    const { looked, speaks, handed } = this.looks(node, answer)
    this.line(called, ...begin, `${answer} = ${run};`, ...rests, ...silence, ...looked, ...lost)
    this.speak(node, answer, [...called, ...speaks], handed)
  }
  private lost(node: Running): readonly string[] {
    return ['} catch (e) {', this.exit(`lost(e, ${node.index}, k, TIME, REST)`), '}']
  }
  /** What a node sees that looks at others: made for each call, for V8 to take apart again. */
  private looking(node: Running, latest: readonly string[], ordinal: string): string {
    const part = node.planned.operator.each === undefined ? 'NOTHING' : name.partOf(node)
    const looks = `new ${name.lookoutOf(node)}(${latest.join(', ')})`
    return `new Outlook(${name.paramsOf(node)}, ${looks}, at, s.$key, ${ordinal}, ${part}, ${name.partsOf(node)})`
  }
  /** What follows an answer that seldom comes, in a function of its own. */
  private after(node: Running, answer: string): string | undefined {
    const rest = this.mail.map(({ reader, message, ordinal, when }) => {
      const mine = message === 'v' ? 'w' : message
      return { reader, message: mine, ordinal, when: when.length === 0 ? [] : [`${mine} !== undefined`], handed: mine }
    })
    const told = rest.flatMap(({ message, ordinal }) => (ordinal === 'NaN' ? [message] : [message, ordinal]))
    const args = [answer, ...new Set(told)]
    const title = this.way.after(node, rest, args)
    if (title === undefined) return undefined
    const handed = new Map(this.mail.map((mail) => [mail.message, mail.handed]))
    const given = args.map((arg) => (arg === 'w' && this.way.again === 'v' ? 'v' : (handed.get(arg) ?? arg)))
    const called = (words: readonly string[]) => this.exit(`${title}(${['k', 'TIME', ...words].join(', ')})`)
    if (!this.way.bulk) return called(given)
    // The first call V8 meets in a loop that is compiled makes it drop the code, for it knows nothing of it yet; then it
    // may go on with a form that was made for mid-run and knows no array by its address, for good. So the loop ends here
    // with nothing but numbers and names put down.
    const put = given.filter((arg) => arg !== 'w')
    this.told = Math.max(this.told, put.length)
    this.outside.push(called(given.map((arg) => (arg === 'w' ? arg : `said_${put.indexOf(arg)}`))))
    return `${put.map((arg, n) => `said_${n} = ${arg}; `).join('')}left = ${this.outside.length}; return i;`
  }
  /** What is done where a loop was left, by the number of the place. */
  get followUps(): readonly string[] {
    return this.outside.map((line) => this.corrected(line))
  }
  private heard({ node, rest, args }: Entry & { readonly type: 'heard' }): void {
    const [answer = ''] = args
    this.mail = [...rest]
    this.args = args
    const { looked, speaks, handed } = this.looks(node, answer)
    this.line([], `// ${node.planned.id}`, 'try {', ...looked, ...this.lost(node))
    this.speak(node, answer, speaks, handed)
  }
  /** When a node is called: for a port in order only where the message is not old to it. */
  private inOrder(mail: Mail | undefined): readonly string[] {
    const when = mail?.when ?? []
    const ordered = mail?.reader.in_order
    if (ordered === undefined) return when
    const known = this.asked.get(ordered)
    // time stands still in a pass, so what was once asked is still true
    if (known?.when.every((w, i) => when[i] === w)) return [...when, known.variable]
    const [variable, newest] = [this.variable(`in_order_${ordered.index}`), `${name.newestOf(ordered)}[k]`]
    this.line(when, `${variable} = at >= ${newest};`)
    this.line([...when, variable], `${newest} = at;`)
    this.asked.set(ordered, { variable, when })
    return [...when, variable]
  }
  /** A message wakes a node whose timer may be idle, and that timer lets it sleep. A row has woken all nodes of its key. */
  private rest(node: Running, mail: Mail | undefined): Readonly<Record<'wakes' | 'rests', readonly string[]>> {
    if (!sleeps(node)) return { wakes: [], rests: [] }
    if (mail !== undefined) return { wakes: this.way.bulk ? [] : [`dirty[k] |= ${TOLD};`], rests: [] }
    return {
      wakes: [],
      rests: [`if (${name.idleOf(node)}(${name.stateOf(node)}) === true) ${name.awakeOf(node)}[k] = 0;`],
    }
  }
  private alarm(node: Running): readonly string[] {
    const rings = this.rings(node)
    return rings === undefined ? [] : [`if (${rings}) setAlarm(${node.index}, ${node.wide ? '0' : 'k'});`]
  }
  /** Whether a node wants to be called at another time than is known. */
  private rings(node: Running): string | undefined {
    if (node.planned.operator.alarm === undefined) return undefined
    return `${name.alarmOf(node)}(${name.stateOf(node)}) !== ${name.alarmsOf(node)}[${node.wide ? '0' : 'k'}]`
  }
  /** How an answer and the alarm of who gave it are looked at, and when it is sent: see `Mail`. */
  private looks(node: Running, answer: string): Readonly<Record<'looked' | 'speaks', readonly string[]>> & Handed {
    const { always, silent } = node.planned.operator
    const [shape, alarm] = [this.shape(node, answer), this.alarm(node)]
    const said = `${answer} !== undefined`
    if (silent === undefined) return { looked: [...shape, ...alarm], speaks: always ? [] : [said], handed: answer }
    const speaks = this.variable(`speaks_${node.planned.id}`)
    const args = [name.stateOf(node), answer, name.paramsOf(node)].join(', ')
    const asked = `${speaks} = ${said} && ${name.silentOf(node)}(${args}) !== true;`
    return { looked: [...shape, asked, ...alarm], speaks: [speaks], handed: `(${speaks} ? ${answer} : undefined)` }
  }
  /** What comes after trusts the form of an answer. */
  private shape({ single, outputs, index }: Running, answer: string): readonly string[] {
    const wrong = (value: string, { edge, many }: Running['outputs'][number]) => {
      if (many) return [`${value} !== undefined`]
      const type = typeOf(edge.kind)
      return [
        type === 'object'
          ? `typeof ${value} === 'object' ? ${value} === null : ${value} !== undefined`
          : `typeof ${value} !== '${type}' && ${value} !== undefined`,
      ]
    }
    const suspect = single
      ? wrong(answer, outputs[0] as Running['outputs'][number])
      : [
          `typeof ${answer} !== 'object'`,
          `${answer} === null`,
          ...outputs.flatMap((o) => wrong(`${answer}.${o.port}`, o)).map((w) => `(${w})`),
        ]
    const wrongly = suspect.join(' || ')
    const asked = single ? wrongly : `${answer} !== undefined && (${wrongly})`
    // arrays are looked through; all else is wrong for certain, and a throw does not come back
    const certain = outputs.some(({ many }) => many) ? '' : 'throw '
    return [`if (${asked}) ${certain}shaped(${index}, ${answer});`]
  }

  private speak(node: Running, answer: string, when: readonly string[], handed = answer): void {
    let nested = false
    for (const { port, edge, many } of node.outputs) {
      let [said, spoken] = [answer, when]
      if (!node.single) {
        said = this.variable(name.messageOf(edge))
        this.line(when, `${said} = ${answer}.${port};`)
        spoken = [...when, `${said} !== undefined`]
      }
      if (!many) this.emit(edge, said, spoken, node.single ? handed : said)
      else {
        this.line(spoken, `${this.way.here}for (const m of ${said}) ${name.sendOf(edge)}(k, at, m);`)
        nested = true
      }
    }
    if (!nested) return
    // what went on inside may have changed what was newest, and left the key to the interpreter
    this.here.clear()
    if (this.mail.length > 0) this.line(when, 'if (troubled[k] === 1) {', this.exit('resume(k, TIME, REST)'), '}')
  }

  /** Leaves the pass to the interpreter, with the mail that is still to be read. */
  private exit(call: string): string {
    const { again, leave, time, here } = this.way
    const mine = (message: string) => (message === 'v' && again !== 'v' ? 'w' : message)
    const all = this.mail.map(
      ({ reader, handed, ordinal }) => `${this.readers.get(reader)}, ${mine(handed)}, ${ordinal}`,
    )
    const whole = again !== 'v' && all.some((mail) => mail.includes(', w, ')) ? `const w = ${again}; ` : ''
    return `UNSAID_${this.always.length};${here}${whole}${call.replace('TIME', time).replace('REST', `[${all.join(', ')}]`)}; ${leave}`
  }

  private text(): readonly string[] {
    const text: string[] = []
    if (this.variables.length > 0) text.push(`let ${this.variables.join(', ')};`)
    let open: readonly string[] = []
    for (const { when, lines } of this.lines) {
      const shared = when.findIndex((w, i) => open[i] !== w)
      const keep = shared < 0 ? when.length : shared
      for (let i = open.length; i > keep; i--) text.push('}')
      for (const condition of when.slice(keep)) text.push(`if (${condition}) {`)
      open = when
      text.push(...lines.map((line) => this.corrected(line)))
    }
    for (const _ of open) text.push('}')
    return text
  }
  /** Who counts in bulk counts a pass that is left half way as a whole one. */
  private corrected(line: string): string {
    const unsaid = this.always.map((edge) => `sent[${edge.index}]--;`)
    return line.replaceAll(/UNSAID_(\d+);/g, (_, n) => unsaid.slice(Number(n)).join(' '))
  }
}
