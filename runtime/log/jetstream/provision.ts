import { DiscardPolicy, JetStreamApiError, RetentionPolicy, StorageType, type StreamConfig } from '@nats-io/jetstream'
import { TidegateError } from '../../../schemas/errors.ts'
import type { Retention } from '../layout.ts'
import { requireServer } from './capabilities.ts'
import type { Link } from './link.ts'
import { isThere, patiently } from './patience.ts'

export interface Wanted {
  readonly name: string
  readonly subjects: readonly string[]
  readonly retention: Retention
  readonly replicas: number
  /** For people, and to find streams of ours again by their own names. */
  readonly description: string
  /** What only streams of its kind have. */
  readonly more?: Partial<StreamConfig>
}

/** Servers keep a table of message ids for so long; nothing of ours relies on it. */
const DUPLICATE_WINDOW = 10e9

function configOf({ name, subjects, retention, replicas, description, more }: Wanted): Partial<StreamConfig> {
  return {
    name,
    description,
    subjects: [...subjects],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    num_replicas: replicas,
    max_age: retention.age * 1e9,
    discard: retention.full === 'old' ? DiscardPolicy.Old : DiscardPolicy.New,
    duplicate_window: retention.age > 0 ? Math.min(DUPLICATE_WINDOW, retention.age * 1e9) : DUPLICATE_WINDOW,
    deny_delete: retention.onePerSubject === true,
    deny_purge: retention.onePerSubject === true,
    ...(retention.onePerSubject === true && { max_msgs_per_subject: 1, discard_new_per_subject: true }),
    ...more,
  }
}

/**
 * Makes a stream, or takes the one that is there. Old servers drop settings they do not know without a word, so what was
 * made is read back. A stream that is there keeps the limits an operator gave it; what it holds must be the same.
 * @throws SERVER_TOO_OLD, STREAM_DIFFERS
 */
export async function provision(link: Link, wanted: Wanted): Promise<void> {
  requireServer(link.version, wanted.replicas)
  const config = configOf(wanted)
  const there = await isThere(link, wanted.name)
  let fresh = !there
  let found: StreamConfig | undefined
  if (fresh)
    try {
      found = (await patiently(link, () => link.jsm.streams.add({ ...config, name: wanted.name }))).config
    } catch (error) {
      // 10058: somebody else was faster, with another configuration
      if (!(error instanceof JetStreamApiError) || error.code !== 10058) throw error
      fresh = false
    }
  found ??= (await patiently(link, () => link.jsm.streams.info(wanted.name))).config
  const mustHold = fresh
    ? Object.keys(config)
    : ['subjects', 'retention', 'storage', 'max_msgs_per_subject', 'discard_new_per_subject']
  for (const field of mustHold) {
    const [expected, is] = [config[field as keyof typeof config], found[field as keyof StreamConfig]]
    if (expected === undefined || plain(expected) === plain(is)) continue
    throw new TidegateError(
      'STREAM_DIFFERS',
      `stream ${wanted.name}: expected ${field} ${plain(expected)}, found ${plain(is)} on server ${link.version}`,
      { stream: wanted.name, field, expected: plain(expected), found: plain(is) },
    )
  }
}
/** Servers leave out what is false or zero. */
const plain = (value: unknown): string =>
  JSON.stringify(value === undefined || value === false || value === 0 ? null : value)
