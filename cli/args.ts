import { parseArgs } from 'node:util'
import { cutsEvenly } from '../runtime/key_groups.ts'
import { nearest } from '../runtime/nearest.ts'
import { TidegateError } from '../schemas/errors.ts'
import { formatTime, parseDuration, parseTime } from '../schemas/units.ts'
import type { Args, Verb } from './verb.ts'

const common = { json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } as const

/** @throws USAGE naming the option and what is near it */
export function readArgs(verb: Verb, argv: readonly string[]): Args {
  const options = Object.fromEntries(
    Object.entries(verb.options).map(([name, { type, short }]) => [
      name,
      { type, multiple: true, ...(short && { short }) },
    ]),
  )
  let parsed: ReturnType<typeof parseArgs>
  try {
    parsed = parseArgs({
      args: [...argv],
      options: { ...options, ...common } as never,
      allowPositionals: true,
      strict: true,
    })
  } catch (error) {
    const unknown = /Unknown option '(--?[^' ]+)'/.exec((error as Error).message)?.[1]
    if (unknown === undefined) throw new TidegateError('USAGE', `${verb.name}: ${(error as Error).message}`)
    const near = nearest(unknown.replace(/^-+/, ''), [...Object.keys(verb.options), 'json', 'help'])
    throw new TidegateError(
      'USAGE',
      `${verb.name} has no option ${unknown}${near ? `; did you mean --${near}?` : ''}`,
      { option: unknown },
    )
  }
  const { min, max } = verb.positionals
  const found = parsed.positionals.length
  const helped = parsed.values['help'] === true
  if (!helped && (found < min || found > max))
    throw new TidegateError(
      'USAGE',
      `expected: tidegate ${verb.name} ${verb.form}; found ${found} argument${found === 1 ? '' : 's'}`,
      { min, max, found },
    )
  const values: Record<string, string[]> = {}
  const flags = new Set<string>()
  for (const [name, value] of Object.entries(parsed.values))
    for (const v of Array.isArray(value) ? value : [value])
      if (typeof v === 'string') values[name] = [...(values[name] ?? []), v]
      else if (v === true) flags.add(name)
  return { positionals: parsed.positionals, flags, values, value: (name) => values[name]?.at(-1) }
}

export function timeOption(args: Args, name: string): number | undefined {
  const text = args.value(name)
  const time = text === undefined ? undefined : parseTime(text)
  if (text !== undefined && time === undefined)
    throw new TidegateError('USAGE', `--${name}: expected a time such as 2024-08-08T23:54:15Z, found "${text}"`)
  return time
}
/** --from and --to. @throws USAGE when nothing can lie between them */
export function rangeOptions(args: Args): readonly [from: number | undefined, to: number | undefined] {
  const [from, to] = [timeOption(args, 'from'), timeOption(args, 'to')]
  if (from !== undefined && to !== undefined && from >= to)
    throw new TidegateError('USAGE', `expected --from before --to, found ${formatTime(from)} and ${formatTime(to)}`)
  return [from, to]
}
export function durationOption(args: Args, name: string): number | undefined {
  const text = args.value(name)
  const length = text === undefined ? undefined : parseDuration(text)
  if (text !== undefined && length === undefined)
    throw new TidegateError('USAGE', `--${name}: expected a duration such as 500ms or 1m, found "${text}"`)
  return length
}
/** A count, a version or a sequence. @throws USAGE */
export function wholeOption(args: Args, name: string): number | undefined {
  const value = numberOption(args, name)
  if (value !== undefined && (!Number.isSafeInteger(value) || value < 1))
    throw new TidegateError('USAGE', `--${name}: expected a whole number above 0, found "${args.value(name)}"`)
  return value
}
/** Into how many ranges keys are cut. @throws USAGE */
export function rangesOption(args: Args): number | undefined {
  const ranges = numberOption(args, 'ranges')
  if (ranges !== undefined && !cutsEvenly(ranges))
    throw new TidegateError('USAGE', `--ranges: expected 1, 2, 4, 8, 16, 32 or 64, found ${ranges}`, { ranges })
  return ranges
}
export function numberOption(args: Args, name: string): number | undefined {
  const text = args.value(name)
  const value = text === undefined ? undefined : Number(text)
  if (value !== undefined && !Number.isFinite(value))
    throw new TidegateError('USAGE', `--${name}: expected a number, found "${text}"`)
  return value
}
