import { parseTime } from '../../schemas/units.ts'
import { refuse, shown } from './format.ts'

/** Units in which files count time since 1970; `iso` is a date in words. */
export type Unit = 's' | 'ms' | 'us' | 'ns' | 'iso'
/** Digits between the unit and a µs. */
const digits = { s: 6, ms: 3, us: 0 } as const
const earliest = Date.UTC(1990, 0, 1) * 1000

/** Event time of a stamp, exactly: by moving digits, never by multiplying a fraction. What is finer than 1 µs is cut off. */
export function epoch(text: string | undefined, unit: Unit): number {
  const at = text === undefined ? undefined : unit === 'iso' ? parseTime(text) : counted(text, unit)
  if (at === undefined || !Number.isSafeInteger(at) || at < earliest)
    refuse(
      `expected a time ${unit === 'iso' ? 'as ISO text' : `in ${unit}`} after 1990, found ${shown(text ?? 'nothing')}`,
    )
  return at
}

function counted(text: string, unit: Exclude<Unit, 'iso'>): number | undefined {
  if (!/^\d{1,20}(?:\.\d*)?$/.test(text)) return undefined
  const [whole = '', fraction = ''] = text.split('.')
  if (unit === 'ns') return Number(whole.slice(0, -3))
  const places = digits[unit]
  return Number(whole + fraction.slice(0, places).padEnd(places, '0'))
}

/** The unit of a whole stamp of our days, by its length: 10 digits of seconds, 13 of ms, 16 of µs, 19 of ns. */
export function unitOf(text: string | undefined): Unit {
  const { length } = /^(\d+)(?:\.\d*)?$/.exec(text ?? '')?.[1] ?? ''
  if (length === 0) return 'iso'
  return length <= 10 ? 's' : length <= 13 ? 'ms' : length <= 16 ? 'us' : 'ns'
}
