import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import type { Catalogue, SourceItem } from '../runtime/define.ts'
import type { Binding } from '../runtime/feed.ts'
import { toJson } from '../runtime/json.ts'
import { paramNames, paramProblems } from '../runtime/param_problems.ts'
import type { Plan, PlannedSource } from '../runtime/plan.ts'
import { openTape, type Tape } from '../runtime/tape.ts'
import { TidegateError } from '../schemas/errors.ts'
import { rawTape } from './raw_tape.ts'
import type { Args, Io } from './verb.ts'

export const bindOptions = {
  tape: {
    type: 'string',
    multiple: true,
    value: 'TAPE[:SYMBOL]',
    help: 'recorded data for the sources, in drawing order; one tape serves all',
  },
  bind: {
    type: 'string',
    multiple: true,
    value: 'NODE=TAPE[:SYMBOL]',
    help: 'recorded data for one source; raw:DIR for recorded raw frames; or the name of a source that makes its rows, such as synthetic_market or synthetic_market{"seed":2}, which has the params of the node that are not given',
  },
} as const

/** A binding, and what tells its data from other data. */
type Labelled = Binding & { readonly label: string }
export type Bindings = ReadonlyMap<string, Labelled>
interface Bound {
  readonly tape: Tape
  readonly symbol: string | undefined
}
/** `file.tape:BTCUSDT`: the symbol is what follows `.tape:`. */
function openBound(text: string): Bound {
  const [, path = text, symbol] = /^(.*\.tape):(.+)$/.exec(text) ?? []
  return { tape: openTape(path), symbol }
}

/**
 * Which recorded data each source of a plan reads. Sources that are not named stay as they are.
 * @throws BINDING_INVALID, FILE_ABSENT, and what opening a tape or playing raw frames throws
 */
export async function bindingsOf(
  plan: Plan,
  args: Args,
  catalogue: Catalogue,
  io: Pick<Io, 'say' | 'progress'>,
): Promise<Bindings> {
  const bindings = new Map<string, Labelled>()
  const checkKind = (id: string, held: readonly string[], where: string) => {
    const source = plan.sources.find((s) => s.id === id)
    if (source === undefined)
      throw new TidegateError(
        'BINDING_INVALID',
        `no source "${id}" in the definition; it has ${plan.sources.map((s) => s.id).join(', ')}`,
        { node: id },
      )
    const { kind } = source.component.output
    if (!held.includes(kind))
      throw new TidegateError(
        'BINDING_INVALID',
        `node "${id}" (${source.component.name}) gives ${kind}, but ${where} holds ${held.join(', ') || 'nothing'}`,
        { node: id, expected: kind, found: held },
      )
  }
  const bind = (id: string, { tape, symbol }: Bound) => {
    checkKind(id, Object.keys(tape.info.kinds), tape.path)
    const { keys } = tape.info
    if (symbol !== undefined && !keys.some((key) => key === symbol || key.slice(key.indexOf(':') + 1) === symbol))
      throw new TidegateError('BINDING_INVALID', `no "${symbol}" in ${tape.path}; it holds ${keys.join(', ')}`, {
        node: id,
        symbol,
        keys,
      })
    // The same rows kept in another way are the same data.
    const digest = createHash('sha256')
      .update(JSON.stringify({ ...tape.info, compression: undefined }))
      .digest('hex')
      .slice(0, 16)
    bindings.set(id, {
      type: 'recording',
      recording: tape,
      symbol,
      label: `tape ${digest}${symbol ? `:${symbol}` : ''}`,
    })
  }
  const tapes = (args.values['tape'] ?? []).map(openBound)
  const open = plan.sources.filter((s) => s.component.generate === undefined || tapes.length > 0)
  if (tapes.length > 1 && tapes.length !== open.length)
    throw new TidegateError(
      'BINDING_INVALID',
      `${tapes.length} tapes for ${open.length} sources (${open.map((s) => s.id).join(', ')}); name them with --bind NODE=TAPE`,
    )
  for (const [i, source] of open.entries()) {
    const tape = tapes.length === 1 ? tapes[0] : tapes[i]
    if (tape !== undefined) bind(source.id, tape)
  }
  for (const text of args.values['bind'] ?? []) {
    const [, id = '', rest] = /^([^=]+)=(.+)$/.exec(text) ?? []
    if (rest === undefined) throw new TidegateError('USAGE', `--bind ${text}: expected NODE=TAPE[:SYMBOL]`)
    if (rest.startsWith('raw:')) {
      bind(id, await playedBound(rest.slice('raw:'.length), plan, id, { catalogue, io }))
      continue
    }
    const made = generated(
      rest,
      catalogue,
      plan.sources.find((source) => source.id === id),
    )
    if (made === undefined) {
      bind(id, openBound(rest))
      continue
    }
    checkKind(id, [made.kind], made.label)
    bindings.set(id, made)
  }
  const read = [...bindings.values()].flatMap((bound) => (bound.type === 'recording' ? [bound.recording] : []))
  const unread = tapes.find(({ tape }) => !read.includes(tape))
  if (unread !== undefined)
    throw new TidegateError(
      'BINDING_INVALID',
      `${unread.tape.path} would be read by nobody: every source it could be for is bound by --bind`,
    )
  return bindings
}

/** Raw frames, as the tape that the source makes of them: it is gone when this process is. */
async function playedBound(
  directory: string,
  plan: Plan,
  id: string,
  on: { readonly catalogue: Catalogue; readonly io: Pick<Io, 'say' | 'progress'> },
): Promise<Bound> {
  const planned = plan.sources.find((source) => source.id === id)
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-raw-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, `${id}.tape`)
  await rawTape(directory, path, { ...on, ...(planned && { planned }) })
  return { tape: openTape(path), symbol: undefined }
}

/** What a run reads, source by source: a run that goes on must read the same. */
export const dataOf = (
  plan: Plan,
  bindings: Bindings,
  range: Readonly<Record<string, number | undefined>>,
): Readonly<Record<string, string>> => ({
  ...Object.fromEntries(
    plan.sources.map(({ id, component }) => [
      id,
      bindings.get(id)?.label ?? (component.generate ? 'its own rows' : 'live'),
    ]),
  ),
  ...Object.fromEntries(
    Object.entries(range).flatMap(([name, at]) => (at === undefined ? [] : [[`--${name}`, String(at)]])),
  ),
})

/**
 * `synthetic_market` or `synthetic_market{"seed":2}`: a source of the catalogue that makes its rows. Params that are not
 * given are those of the node it stands for, where it has them under the same name.
 */
export function generated(
  text: string,
  catalogue: Catalogue,
  node?: PlannedSource,
): (Labelled & { readonly kind: string }) | undefined {
  const [, name = '', json = '{}'] = /^([a-z][a-z0-9_]*)(\{.*\})?$/s.exec(text) ?? []
  const source = Object.hasOwn(catalogue.sources, name) ? catalogue.sources[name] : undefined
  const generate = source?.generate as
    | ((params: unknown, position: number) => Iterable<readonly SourceItem[]>)
    | undefined
  if (source === undefined || generate === undefined) return undefined
  const given = readParams(json, name)
  const known = new Set(paramNames(source))
  const shared = Object.entries(node?.params ?? {}).filter(
    ([param, value]) => value !== undefined && known.has(param) && !Object.hasOwn(given, param),
  )
  const raw = { ...Object.fromEntries(shared), ...given }
  const problems = paramProblems(source, raw)
  if (problems.length > 0)
    throw new TidegateError(
      'PARAMS_INVALID',
      `params of ${name}: ${problems.map((p) => `${p.path.join('.') || '(top)'}: ${p.message}`).join('; ')}${shared.length === 0 ? '' : `; ${shared.map(([param]) => param).join(', ')} are those of node "${node?.id}"`}`,
      { problems },
    )
  const params = z.parse(source.params, raw)
  const label = `${name}${toJson(params)}`
  return { type: 'generated', items: (position) => generate(params, position), label, kind: source.output.kind }
}
function readParams(json: string, name: string): object {
  try {
    return JSON.parse(json) as object
  } catch {
    throw new TidegateError('USAGE', `params of ${name}: expected JSON such as {"seed":2}, found ${json}`)
  }
}
