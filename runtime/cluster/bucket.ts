import type { StoredMsg } from '@nats-io/jetstream'
import { TidegateError } from '../../schemas/errors.ts'
import { isNoMessage, isNoStream } from '../log/jetstream/api_errors.ts'
import { isConflict, refusalOf } from '../log/jetstream/exchange.ts'
import type { Link } from '../log/jetstream/link.ts'
import { patiently } from '../log/jetstream/patience.ts'
import { provision } from '../log/jetstream/provision.ts'

export interface BucketOptions {
  readonly name: string
  /** Seconds after which an entry that was not written again is gone; 0 for ever. */
  readonly ttl: number
  /** Versions kept of a key. */
  readonly history: number
  readonly replicas: number
}
export interface Held {
  readonly value: unknown
  /** Rises with every write of the bucket; what the next write of the key must name. */
  readonly revision: number
}

/** What clients of such buckets write into a message that stands for a key which was removed. */
const OPERATION = 'KV-Operation'
const isMark = ({ header }: StoredMsg): boolean => header.get(OPERATION) !== ''

/**
 * Small JSON documents by key, written by compare-and-set. It is a NATS key-value bucket (`nats kv ls` shows it), read
 * from the leader: the client's own buckets read from any replica, where a lease may look free that is not.
 */
export class Bucket {
  private readonly link: Link
  private readonly stream: string
  private readonly prefix: string

  private constructor(link: Link, name: string) {
    this.link = link
    this.stream = `KV_${name}`
    this.prefix = `$KV.${name}.`
  }

  /** @throws SERVER_TOO_OLD, STREAM_DIFFERS */
  static async open(link: Link, { name, ttl, history, replicas }: BucketOptions): Promise<Bucket> {
    const bucket = new Bucket(link, name)
    await provision(link, {
      name: bucket.stream,
      subjects: [`${bucket.prefix}>`],
      retention: { age: ttl, full: 'new' },
      replicas,
      description: 'tidegate',
      more: { max_msgs_per_subject: history, allow_rollup_hdrs: true },
    })
    return bucket
  }

  /** Gives the revision; undefined when the key is there. */
  async create(key: string, value: unknown): Promise<number | undefined> {
    const made = await this.write(key, value, 0)
    if (made !== undefined) return made
    const there = await this.newest(key)
    return there !== null && isMark(there) ? this.write(key, value, there.seq) : undefined
  }
  /** Gives the new revision; undefined when somebody else has written the key. */
  update(key: string, value: unknown, revision: number): Promise<number | undefined> {
    return this.write(key, value, revision)
  }

  private async write(key: string, value: unknown, revision: number): Promise<number | undefined> {
    const text = JSON.stringify(value)
    const data = new TextEncoder().encode(text)
    const reply = await this.link.exchange.publish(`${this.prefix}${key}`, data, {
      'Nats-Expected-Stream': this.stream,
      'Nats-Expected-Last-Subject-Sequence': String(revision),
    })
    if (reply.type === 'stored') return reply.seq
    if (reply.type === 'refused' && !isConflict(reply.code)) throw refusalOf(this.stream, reply)
    if (reply.type === 'refused') return undefined
    // the answer was lost: who writes here writes something of its own, so what stands there tells
    const found = await this.get(key)
    return found !== undefined && JSON.stringify(found.value) === text ? found.revision : undefined
  }

  async get(key: string): Promise<Held | undefined> {
    const message = await this.newest(key)
    return message === null || isMark(message) ? undefined : { value: message.json(), revision: message.seq }
  }
  private newest(key: string): Promise<StoredMsg | null> {
    const ask = () => this.link.jsm.streams.getMessage(this.stream, { last_by_subj: `${this.prefix}${key}` })
    return this.ask(ask).catch((error: unknown) => {
      if (isNoMessage(error)) return null
      throw error
    })
  }
  /** Of the newest write of any key. */
  async revision(): Promise<number> {
    return (await this.ask(() => this.link.jsm.streams.info(this.stream))).state.last_seq
  }
  /** The keys there are, and those that were removed a moment ago. */
  async keys(): Promise<readonly string[]> {
    const filter = { subjects_filter: `${this.prefix}>` }
    const { state } = await this.ask(() => this.link.jsm.streams.info(this.stream, filter))
    return Object.keys(state.subjects ?? {})
      .map((subject) => subject.slice(this.prefix.length))
      .sort()
  }
  /**
   * Removes what was written as that revision, and nothing newer: tried once. A mark stands there until its time is over:
   * of a bucket where messages are deleted, nats-server 2.9.10 may let none go any more once it was killed.
   */
  async remove(key: string, revision: number): Promise<void> {
    await this.link.exchange.publish(`${this.prefix}${key}`, new Uint8Array(0), {
      [OPERATION]: 'DEL',
      'Nats-Expected-Stream': this.stream,
      'Nats-Expected-Last-Subject-Sequence': String(revision),
    })
  }

  private async ask<T>(question: () => Promise<T>): Promise<T> {
    try {
      return await patiently(this.link, question)
    } catch (error) {
      if (isNoStream(error))
        throw new TidegateError('LOG_LOST', `${this.stream}: the bucket is not there`, { stream: this.stream })
      throw error
    }
  }
}
