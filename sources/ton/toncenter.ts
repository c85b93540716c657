import type { SourceContext } from '../../runtime/define.ts'

/** TON Center, main network: API v2, v3 and streaming (docs.ton.org, 2026-11). */
export const toncenter = 'https://toncenter.com'

/** The header that carries the key a definition names; none where it names none, or the environment has none. */
export function keyHeaders(name: string | undefined, context: SourceContext): Readonly<Record<string, string>> {
  if (name === undefined) return {}
  const key = context.secret?.(name)
  if (key === undefined || key === '') {
    context.notice(`${name} is not set: TON Center is asked without a key`)
    return {}
  }
  return { 'X-API-Key': key }
}
