import type { Client, DatabaseError } from 'pg'
import { TidegateError } from '../../schemas/errors.ts'

/** The only place an address of a database comes from: it holds a password, so it is in no definition and no message. */
export const JOURNAL_URL = 'TIDEGATE_JOURNAL_URL'

/** An address of a database; undefined where none is set. @throws JOURNAL_UNREACHABLE for what is none, without telling it */
export function journalUrlOf(secret: (name: string) => string | undefined): string | undefined {
  const url = secret(JOURNAL_URL)
  if (url === undefined || url === '') return undefined
  if (isAddress(url)) return url
  throw unreachable('expected an address such as postgresql://USER:PASSWORD@HOST:5432/DATABASE')
}
const isAddress = (url: string): boolean => /^postgres(ql)?:\/\//.test(url) && URL.canParse(url.replace('@/', '@_/'))

/**
 * Nothing of the error that caused it is carried: what a client says of an address may hold pieces of the password.
 */
export const unreachable = (what: string, info: Readonly<Record<string, unknown>> = {}): TidegateError =>
  new TidegateError('JOURNAL_UNREACHABLE', `the database that ${JOURNAL_URL} names: ${what}`, info)

const words: Readonly<Record<string, string>> = {
  '28P01': 'it does not take the password',
  '28000': 'it does not let this user in',
  '3D000': 'it has no database of that name',
  '25006': 'it only reads, as a replica does',
  '53300': 'it has too many connections',
  '57P03': 'it is starting or stopping',
  ECONNREFUSED: 'nobody listens there',
  ENOTFOUND: 'there is no such host',
}
/** Why a question to a database failed, in words that hold nothing of its address. */
export function reasonOf(error: unknown): string {
  const code = (error as { code?: unknown }).code
  if (typeof code !== 'string') return 'the connection was lost'
  const said = words[code]
  if (said !== undefined) return `${said} (${code})`
  return isRefusal(error) ? `${code}: ${error.message}` : `the connection was lost (${code})`
}

/** The server undid the transaction and says so. Whatever else goes wrong tells nothing of a commit. */
export function isRefusal(error: unknown): error is DatabaseError {
  // nothing but an answer of the server has a severity
  const { severity, code } = error as Partial<DatabaseError>
  return severity === 'ERROR' && !/^(08|57P)/.test(code ?? '')
}

/** A connection of its own, which forces every commit to disk. @throws JOURNAL_UNREACHABLE */
export async function connect(url: string, timeout_ms: number): Promise<Client> {
  if (!isAddress(url)) throw unreachable('expected an address that begins with postgresql://')
  let client: Client | undefined
  // loaded where it is used: most journals are files
  const { Client } = await import('pg')
  try {
    client = new Client({
      connectionString: url,
      application_name: 'tidegate',
      connectionTimeoutMillis: timeout_ms,
      query_timeout: timeout_ms,
      keepAlive: true,
    })
    // a connection that is cut while nothing is asked: the next question finds out
    client.on('error', () => undefined)
    await client.connect()
    // a writer that vanished without a word gives its lock back after half a minute
    await client.query(`set tcp_keepalives_idle = 10; set tcp_keepalives_interval = 5; set tcp_keepalives_count = 4;
      select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') <> 'remote_apply'`)
    return client
  } catch (error) {
    if (client !== undefined) drop(client)
    throw unreachable(reasonOf(error))
  }
}

/** Ends a connection without waiting for it. */
export function drop(client: Client): void {
  void client.end().catch(() => undefined)
}
