import type { Operator } from '../../runtime/define.ts'
import { Driver, portsNamed } from '../../runtime/drive.ts'
import { toJson } from '../../runtime/json.ts'
import { nearest } from '../../runtime/nearest.ts'
import { named as entryOf } from '../../runtime/wiring.ts'
import { isBare } from '../../schemas/columns.ts'
import { TidegateError } from '../../schemas/errors.ts'
import { toText } from '../../schemas/fixed.ts'
import type { Kind } from '../../schemas/kind.ts'
import { Gap } from '../../schemas/market.ts'
import type { Sample } from '../../schemas/samples.ts'
import { parseDuration, parseTime } from '../../schemas/units.ts'
import { messageOf } from './message.ts'

/** The time that relative times count from: `1.5s` is one and a half seconds after it. */
export const BASE = 1_704_067_200_000_000
const usualKey = 'binance:BTCUSDT'

/** One message an operator said. */
export interface Said {
  readonly at: number
  readonly key: string
  /** Absent where the operator has one output. */
  readonly port?: string
  readonly answer: unknown
}

/** Reads the lines that `tidegate drive` takes, one after the other; lines without a time come a second apart. */
export class DriveLines {
  private readonly operator: Operator
  private readonly ports: Readonly<Record<string, Kind>>
  private readonly called: readonly string[]
  private next = BASE
  private number = 0

  constructor(operator: Operator) {
    this.operator = operator
    this.ports = { ...operator.inputs, ...operator.ambient, ...operator.latest }
    const inputs = Object.keys(operator.inputs)
    this.called = inputs.length > 0 ? inputs : Object.keys(operator.ambient)
  }

  /** @throws INPUT_INVALID naming the line; undefined for an empty line */
  read(text: string): Sample | undefined {
    this.number++
    if (text.trim() === '') return undefined
    let json: unknown
    try {
      json = JSON.parse(text)
    } catch {
      this.refuse(`expected a message as JSON, found ${shown(text)}`)
    }
    if (typeof json === 'number') return this.message({ value: json })
    if (typeof json !== 'object' || json === null || Array.isArray(json))
      this.refuse(`expected a JSON object or a number, found ${shown(text)}`)
    return this.message(json as Readonly<Record<string, unknown>>)
  }

  private message(line: Readonly<Record<string, unknown>>): Sample {
    const { key = usualKey } = line
    if (typeof key !== 'string') this.refuse(`key: expected text such as ${usualKey}, found ${JSON.stringify(key)}`)
    for (const word of ['advance', 'heartbeat'])
      if (Object.keys(line).every((name) => name === word || name === 'key') && word in line)
        return { kind: 'heartbeat', at: this.time(line[word]), key, value: { end: false } }
    if (line['end'] === true)
      return {
        kind: 'heartbeat',
        at: 'at' in line ? this.time(line['at']) : Math.max(BASE, this.next - 1e6),
        key: '*',
        value: { end: true },
      }
    const { kind: named, at, key: _, port, ...rest } = line
    if (named === 'heartbeat')
      return { kind: 'heartbeat', at: this.time(at), key, value: rest['value'] ?? { end: false } }
    const [where, kind] = this.portOf(named, port)
    const time = at === undefined ? this.next : this.time(at)
    const names = Object.keys(rest)
    const read = messageOf(kind, names.length === 1 && names[0] === 'value' ? rest['value'] : rest, time)
    if ('problem' in read) this.refuse(read.problem)
    this.next = time + 1e6
    return { kind: kind.kind, at: time, key, value: read.value, ...(where !== undefined && { port: where }) }
  }

  private portOf(named: unknown, port: unknown): readonly [port: string | undefined, kind: Kind] {
    const { ports, operator } = this
    const words = Object.entries(ports).map(([name, { kind }]) => `${name}: ${kind}`)
    if (port !== undefined) {
      const kind = typeof port === 'string' ? entryOf(ports, port) : undefined
      if (kind !== undefined) return [port as string, kind]
      const near = nearest(String(port), Object.keys(ports))
      this.refuse(
        `${operator.name} has no port ${JSON.stringify(port)}; ${near ? `did you mean "${near}"?` : `it has ${words.join(', ')}`}`,
      )
    }
    if (named === 'gap' && !Object.values(ports).some((k) => k.kind === 'gap')) return [undefined, Gap]
    if (named === undefined) {
      const [only] = this.called
      if (this.called.length === 1 && only !== undefined && ports[only] !== undefined) return [only, ports[only]]
      this.refuse(`expected "port" or "kind", for ${operator.name} reads ${words.join(', ')}`)
    }
    const fitting = Object.entries(ports).filter(([, { kind }]) => kind === named)
    const [first] = fitting
    if (fitting.length === 1 && first !== undefined) return first
    this.refuse(
      `kind ${JSON.stringify(named)}: expected a message for one port of ${operator.name} (${words.join(', ')})${fitting.length > 1 ? '; name the port' : ''}`,
    )
  }

  private time(given: unknown): number {
    const parsed =
      typeof given === 'number' ? given : typeof given === 'string' ? (parseTime(given) ?? relative(given)) : undefined
    if (parsed === undefined || !Number.isSafeInteger(parsed) || parsed < 0)
      this.refuse(`expected a time: µs, ISO text or a duration such as 1.5s, found ${JSON.stringify(given)}`)
    return parsed
  }

  private refuse(reason: string): never {
    throw new TidegateError('INPUT_INVALID', `line ${this.number}: ${reason}`, { line: this.number })
  }
}
const shown = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}...` : text)
export const relative = (text: string): number | undefined => {
  const length = parseDuration(text)
  return length === undefined ? undefined : BASE + length
}

/** An operator that is fed samples and says its messages one by one. */
export function driven(
  operator: Operator,
  params: unknown,
  wired: readonly string[],
  say: (said: Said) => void,
): Driver {
  const prefix = `${operator.name}.`
  const message = (edge: string, key: string, at: number, answer: unknown) => {
    if (edge === operator.name) say({ at, key, answer })
    else if (edge.startsWith(prefix)) say({ at, key, port: edge.slice(prefix.length), answer })
  }
  return new Driver(operator, params, { wired, watch: { message } })
}

/** A sample as the shortest line that `drive` reads back to it. */
export function lineOf(operator: Operator, sample: Sample): string {
  const { kind, at, key, value, port } = sample
  if (kind === 'heartbeat') return (value as { end: boolean }).end ? toJson({ end: true, at }) : toJson({ advance: at })
  const ports = { ...operator.inputs, ...operator.ambient, ...operator.latest }
  const inputs = Object.values(operator.inputs)
  const target = port === undefined ? Object.values(ports).find((k) => k.kind === kind) : ports[port]
  const named = port !== undefined ? { port } : inputs.length === 1 && inputs[0]?.kind === kind ? {} : { kind }
  const fields =
    target === undefined || isBare(target) ? { value } : shortest(target, value as Record<string, unknown>, at)
  return toJson({ ...named, at, ...(key === usualKey ? {} : { key }), ...fields })
}
function shortest(kind: Kind, value: Readonly<Record<string, unknown>>, at: number): Readonly<Record<string, unknown>> {
  const written = Object.fromEntries(
    Object.entries(value).map(([name, v]) => [name, typeof v === 'bigint' ? Number(toText(v as never)) : v]),
  )
  const same = (fields: object) => {
    const read = messageOf(kind, fields, at)
    return 'value' in read && toJson(read.value) === toJson(value)
  }
  return Object.keys(written).reduce((kept: Readonly<Record<string, unknown>>, name) => {
    const { [name]: _, ...without } = kept
    return same(without) ? without : kept
  }, written)
}

/** The example of an operator as lines in and, under each, the lines it answers. */
export function transcript(
  operator: Operator,
): readonly { readonly input: string; readonly output: readonly string[] }[] {
  const { params, input } = operator.example
  let said: Said[] = []
  const driver = driven(operator, params, portsNamed(input), (message) => said.push(message))
  return input.map((sample) => {
    said = []
    driver.feed(sample)
    return { input: lineOf(operator, sample), output: said.map(toJson) }
  })
}
