import { z } from 'zod'
import { TidegateError } from '../../schemas/errors.ts'

const address = (scheme: 'ws' | 'http') =>
  z
    .string()
    .regex(
      new RegExp(`^(?:[a-z][a-z0-9_]*|\\$TIDEGATE_[A-Z0-9_]+|${scheme}s?://\\S+)$`),
      `expected the name of an endpoint, an environment variable such as $TIDEGATE_MAINNET, or ${scheme}s://…`,
    )
    .optional()

/** Nodes as a definition names them. Addresses hold keys: a definition names them, `--endpoint NAME=URL` or the environment tells them. */
export const endpointParams = z
  .array(
    z
      .strictObject({
        ws: address('ws').describe('WebSocket: heads and logs are pushed'),
        http: address('http').describe('HTTP: questions, and heads by asking where there is no WebSocket'),
      })
      .refine(({ ws, http }) => ws !== undefined || http !== undefined, 'expected ws, http or both'),
  )
  .min(1)
  .max(16)

export interface Endpoint {
  /** For people: its name or its host, never its address. */
  readonly label: string
  readonly ws: string | undefined
  readonly http: string | undefined
}

/** `component` is who asks, for the message. @throws ENDPOINT_UNKNOWN for a name nobody gave an address */
export function endpointsOf(
  component: string,
  given: z.output<typeof endpointParams>,
  addressOf: (name: string) => string | undefined,
): readonly Endpoint[] {
  const url = (text: string | undefined, scheme: 'ws' | 'http'): string | undefined => {
    if (text === undefined) return undefined
    const found = text.includes('://') ? text : addressOf(text)
    const how = text.startsWith('$') ? `set ${text.slice(1)}` : `give --endpoint ${text}=${scheme}s://…`
    if (found === undefined || found === '')
      throw new TidegateError('ENDPOINT_UNKNOWN', `${component}: endpoint ${text} has no address; ${how}`, {
        endpoint: text,
      })
    if (new RegExp(`^${scheme}s?://\\S+$`).test(found) && URL.canParse(found)) return found
    const problem = `${component}: the address of ${text.includes('://') ? 'an endpoint' : text} is none: expected ${scheme}s://…`
    throw new TidegateError('ENDPOINT_UNKNOWN', problem, { scheme })
  }
  return given.map(({ ws, http }) => {
    const name = [ws, http].find((text) => text !== undefined && !text.includes('://'))
    const urls = { ws: url(ws, 'ws'), http: url(http, 'http') }
    return { label: name ?? new URL(urls.ws ?? urls.http ?? '').host, ...urls }
  })
}

/** How well an endpoint does; times in µs. */
export interface Health {
  /** What an answer usually takes. */
  readonly latency: number
  /** Share of the last questions that failed. */
  readonly errors: number
  /** Local time before which it asked not to be asked. */
  readonly rests: number
}
export const unknownHealth: Health = { latency: 0.1e6, errors: 0, rests: 0 }
const weight = 0.2
const toward = (before: number, now: number) => before + weight * (now - before)

export const answered = (h: Health, took: number): Health => ({
  ...h,
  latency: toward(h.latency, took),
  errors: toward(h.errors, 0),
})
export const failed = (h: Health): Health => ({ ...h, errors: toward(h.errors, 1) })
export const limited = (h: Health, until: number): Health => ({ ...failed(h), rests: Math.max(h.rests, until) })

/** Less is better: its latency, ten times that if all fails, and as much again for each block it is behind. */
export const score = ({ latency, errors, rests }: Health, behind: number, now: number): number =>
  latency * (1 + 9 * errors) * (1 + behind) + Math.max(0, rests - now) * 10

/** How long it is waited for before another is asked too. */
export const patience = ({ latency }: Health): number => Math.max(0.02e6, 2 * latency)
