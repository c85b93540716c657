import { z } from 'zod'

/** Event time: integer microseconds since 1970, held exactly in a double until the year 2255. */
export const EventTime = z.int().nonnegative().describe('event time in µs since 1970')

const micros = { us: 1, ms: 1e3, s: 1e6, m: 6e7, h: 3.6e9, d: 8.64e10 } as const
const durationText = /^(\d+)(?:\.(\d+))?(us|ms|s|m|h|d)$/

/** Microseconds of `500ms`, `1m`, `2.5s`; undefined if the text is none of these. */
export function parseDuration(text: string): number | undefined {
  const [, whole, fraction = '', unit] = durationText.exec(text) ?? []
  if (whole === undefined || unit === undefined) return undefined
  // in decimals, as it was written: 1.001 x 1e6 is no whole number in doubles
  const [amount, parts] = [
    BigInt(whole + fraction) * BigInt(micros[unit as keyof typeof micros]),
    10n ** BigInt(fraction.length),
  ]
  const value = Number(amount / parts)
  return amount % parts === 0n && Number.isSafeInteger(value) ? value : undefined
}

/** `60000000` as `1m`: the largest unit that divides it. */
export function formatDuration(value: number): string {
  const unit = (['d', 'h', 'm', 's', 'ms', 'us'] as const).find(
    (u) => value % micros[u] === 0 && (value > 0 || u === 's'),
  )
  return unit === undefined ? `${value}us` : `${value / micros[unit]}${unit}`
}

/** A length of event time: text with a unit, such as `500ms` or `1m`, or whole microseconds. Parsed to microseconds. */
export const duration = () =>
  z.union([
    z.int().nonnegative(),
    z
      .string()
      .regex(durationText, 'expected a duration such as 500ms, 1s, 1m, 1h or 1d')
      .transform((text, context): number => {
        const value = parseDuration(text)
        if (value !== undefined) return value
        context.addIssue({ code: 'custom', message: 'expected whole microseconds' })
        return z.NEVER
      }),
  ])

/** An instrument as its venue spells it, behind the venue's name: `binance:BTCUSDT`. The longest are 32 bytes in hex, such as the pools of Uniswap V4. */
export const Instrument = z.string().regex(/^[a-z0-9_]+:\S{1,66}$/, 'expected venue:SYMBOL, such as binance:BTCUSDT')

/** µs of an ISO time (`2024-08-08T23:54:15.123456Z`), of a day (`2024-08-08`) or of whole microseconds as text. */
export function parseTime(text: string): number | undefined {
  if (/^\d+$/.test(text)) return Number.isSafeInteger(Number(text)) ? Number(text) : undefined
  const [, base, fraction = '', zone = 'Z'] =
    /^(\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?)?)(?:\.(\d{1,9}))?(Z|[+-]\d\d:?\d\d)?$/.exec(text) ?? []
  if (base === undefined) return undefined
  const offset = zone === 'Z' ? 'Z' : zone.includes(':') ? zone : `${zone.slice(0, 3)}:${zone.slice(3)}`
  const whole = Date.parse(`${base.length === 10 ? `${base}T00:00:00` : base.replace(' ', 'T')}${offset}`)
  return Number.isNaN(whole) ? undefined : whole * 1000 + Number(fraction.padEnd(6, '0').slice(0, 6))
}

/** ISO text of an event time, with as many decimals as it needs. */
export function formatTime(at: number): string {
  const ms = Math.floor(at / 1000)
  const rest = at - ms * 1000
  const iso = new Date(ms).toISOString()
  return rest === 0 ? iso : `${iso.slice(0, -1)}${String(rest).padStart(3, '0')}Z`
}
