import { readFileSync } from 'node:fs'
import { type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream'
import {
  type Authenticator,
  connect,
  createInbox,
  credsAuthenticator,
  type NatsConnection,
  type NodeConnectionOptions,
  nkeyAuthenticator,
} from '@nats-io/transport-node'
import { TidegateError } from '../../../schemas/errors.ts'
import { atLeast } from './capabilities.ts'
import { Exchange } from './exchange.ts'
import { denialOf, patiently, reasonOf } from './patience.ts'
import { Wire } from './wire.ts'

export interface LinkOptions {
  /** `nats://host:port`, several separated by commas. */
  readonly servers: string
  /** Tells this client from others in the server's lists. */
  readonly name: string
  /** A file with an nkey seed (`SU...`) or with JWT credentials: secrets are never options themselves. */
  readonly credentials?: string | undefined
  /** Files for TLS: the authority of the server, and our own certificate where the server asks for one. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string } | undefined
  /** Replies come on `_INBOX.<role>.>`, so that a role may be allowed these alone. */
  readonly role?: string | undefined
}

/** Calls to the server's API are answered in milliseconds; a cluster that elects a leader takes seconds. */
const API_TIMEOUT = 2_000
const ELECTION = 10_000

/** One connection, and what everything on it shares. */
export class Link {
  readonly nc: NatsConnection
  readonly js: JetStreamClient
  readonly jsm: JetStreamManager
  readonly exchange: Exchange
  readonly wire: Wire
  up = true
  private readonly listeners = new Set<(event: 'up' | 'down' | 'closed') => void>()

  constructor(nc: NatsConnection, jsm: JetStreamManager, wire: Wire) {
    this.nc = nc
    this.jsm = jsm
    this.wire = wire
    this.js = jetstream(nc, { timeout: API_TIMEOUT })
    this.exchange = new Exchange(this)
    void this.follow()
  }

  get version(): string {
    return this.nc.info?.version ?? '0.0.0'
  }
  get hasCluster(): boolean {
    return this.nc.info?.cluster !== undefined
  }
  /** Bytes of one message at most, headers included. */
  get maxPayload(): number {
    return this.nc.info?.max_payload ?? 2 ** 20
  }
  has(version: string): boolean {
    return atLeast(this.version, version)
  }

  /** A subject for answers that our role may hear. */
  inbox(): string {
    return createInbox((this.nc as unknown as { options: { inboxPrefix?: string } }).options.inboxPrefix)
  }

  /** Tells of every loss and return of the connection; gives how to stop it. */
  on(listener: (event: 'up' | 'down' | 'closed') => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  private async follow(): Promise<void> {
    for await (const status of this.nc.status()) {
      if (status.type === 'disconnect') this.tell('down')
      if (status.type === 'reconnect') this.tell('up')
      // a publish that is not allowed has no other answer
      const denied = status.type === 'error' ? denialOf(status.error) : undefined
      if (denied?.operation === 'publish') this.exchange.deny(denied.subject)
    }
    this.tell('closed')
  }
  private tell(event: 'up' | 'down' | 'closed'): void {
    this.up = event === 'up'
    for (const listener of [...this.listeners]) listener(event)
  }

  async close(): Promise<void> {
    this.exchange.close()
    await this.nc.close()
  }
}

/**
 * Connects, and never gives up afterwards: an outage is waited out.
 * @throws NATS_UNREACHABLE, NATS_REFUSED, JETSTREAM_OFF
 */
export async function openLink(options: LinkOptions): Promise<Link> {
  const { servers, name, role } = options
  const given: NodeConnectionOptions = {
    servers: servers.split(','),
    name,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    reconnectJitter: 50,
    pingInterval: 5_000,
    maxPingOut: 2,
    noAsyncTraces: true,
    timeout: 5_000,
    ...(role !== undefined && { inboxPrefix: `_INBOX.${role}` }),
    ...(options.credentials !== undefined && { authenticator: authenticator(options.credentials) }),
    ...(options.tls !== undefined && {
      tls: {
        ...(options.tls.ca !== undefined && { caFile: options.tls.ca }),
        ...(options.tls.cert !== undefined && { certFile: options.tls.cert }),
        ...(options.tls.key !== undefined && { keyFile: options.tls.key }),
      },
    }),
  }
  let nc: NatsConnection
  try {
    nc = await connect(given)
  } catch (cause) {
    throw refusal(servers, cause)
  }
  try {
    const wire = Wire.of(nc)
    return new Link(nc, await jetstreamManager(nc, { timeout: API_TIMEOUT, checkAPI: false }), wire)
  } catch (cause) {
    await nc.close()
    throw cause
  }
}

/** @throws JETSTREAM_OFF when the server, or this account on it, keeps no streams */
export async function requireJetStream(link: Link): Promise<void> {
  try {
    // a cluster that elects a leader answers in some seconds; a server without JetStream never does
    await patiently(link, () => link.jsm.getAccountInfo(), link.hasCluster ? ELECTION : 0)
  } catch (cause) {
    if (cause instanceof TidegateError && cause.code === 'NATS_REFUSED') throw cause
    throw new TidegateError(
      'JETSTREAM_OFF',
      `${link.nc.getServer()}: expected JetStream, found a server (${link.version}) that does not answer for it: ${reasonOf(cause)}`,
      { server: link.nc.getServer(), version: link.version },
      cause,
    )
  }
}

function authenticator(file: string): Authenticator {
  let text: Buffer
  try {
    text = readFileSync(file)
  } catch (cause) {
    throw new TidegateError('FILE_ABSENT', `${file}: the credentials could not be read`, { path: file }, cause)
  }
  const words = text.toString('utf8').trim()
  return words.startsWith('SU') ? nkeyAuthenticator(Buffer.from(words)) : credsAuthenticator(text)
}

function refusal(servers: string, cause: unknown): TidegateError {
  const reason = reasonOf(cause)
  const name = cause instanceof Error ? `${cause.name} ${(cause.cause as Error | undefined)?.name ?? ''}` : ''
  const refused = /authoriz|authentic|permission|certificate|tls/i.test(`${name} ${reason}`)
  return refused
    ? new TidegateError('NATS_REFUSED', `${servers}: the server refused us: ${reason}`, { servers }, cause)
    : new TidegateError('NATS_UNREACHABLE', `${servers}: no NATS server answers: ${reason}`, { servers }, cause)
}
