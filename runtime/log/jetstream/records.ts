import { crc32 } from 'node:zlib'
import { JetStreamApiError } from '@nats-io/jetstream'
import { TidegateError } from '../../../schemas/errors.ts'
import { isNoStream } from './api_errors.ts'
import { HEADERS, refusalOf } from './exchange.ts'
import type { Link } from './link.ts'
import { lost } from './lost.ts'
import { patiently } from './patience.ts'
import { provision } from './provision.ts'

/**
 * Bodies of records that do not fit a message, in messages of their own, one subject a piece: first all pieces, then the
 * record that names them, so a record never names what is not there. (An object store does as much, and its client hashes
 * every byte in JavaScript: that took half the time of a stage with a large state.)
 */
export class Records {
  private readonly link: Link
  private readonly stream: string
  private readonly prefix: string
  private readonly replicas: number
  private made: Promise<void> | undefined

  constructor(link: Link, namespace: string, replicas: number) {
    this.link = link
    this.stream = `${namespace}-records`
    this.prefix = `${namespace}.records`
    this.replicas = replicas
  }
  /** What fits a message. */
  get limit(): number {
    return this.link.maxPayload - HEADERS
  }

  /** Makes the stream where bodies stand. */
  provide(): Promise<void> {
    return provision(this.link, {
      name: this.stream,
      subjects: [`${this.prefix}.>`],
      retention: { age: 0, full: 'new' },
      replicas: this.replicas,
      description: 'tidegate records',
    })
  }
  /**
   * Stores the body of the record that is to stand at that place of its stream, and gives what `get` needs to find it.
   * `writer`: two tokens that no other append has.
   */
  async put(subject: string, place: number, writer: string, bytes: Uint8Array): Promise<string> {
    this.made ??= this.provide()
    await this.made
    const id = `${subject}.${place}.${writer}`
    const pieces = Math.ceil(bytes.byteLength / this.limit)
    await Promise.all(
      Array.from({ length: pieces }, (_, n) =>
        this.store(`${this.prefix}.${id}.${n}`, bytes.subarray(n * this.limit, (n + 1) * this.limit)),
      ),
    )
    return `${id} ${pieces} ${sumOf(bytes)}`
  }
  /** Whether a body that was put is that of these bytes. */
  holds(body: string, bytes: Uint8Array): boolean {
    return body.endsWith(` ${sumOf(bytes)}`)
  }
  /** A piece that is stored twice is the same piece. */
  private async store(subject: string, piece: Uint8Array): Promise<void> {
    const reply = await this.link.exchange.insist(subject, piece, { 'Nats-Expected-Stream': this.stream })
    if (reply.type === 'refused') throw refusalOf(this.stream, reply)
  }

  /**
   * Removes the bodies of places before `first`, where a stream holds nothing any more: that of a record which went, and
   * what a writer left who died or was displaced before its record stood. Takes the right to purge.
   */
  async release(subject: string, first: number): Promise<void> {
    const prefix = `${this.prefix}.${subject}`
    // exactly place, writer (two tokens) and piece: names of other streams may begin as this one does
    const filter = { subjects_filter: `${prefix}.*.*.*.*` }
    const info = await patiently(this.link, () => this.link.jsm.streams.info(this.stream, filter)).catch((error) => {
      if (isNoStream(error)) return undefined
      throw error
    })
    const places = Object.keys(info?.state.subjects ?? {}).map(
      (body) => body.slice(prefix.length + 1).split('.')[0] as string,
    )
    for (const place of new Set(places))
      if (/^\d+$/.test(place) && Number(place) < first)
        await patiently(this.link, () =>
          this.link.jsm.streams.purge(this.stream, { filter: `${prefix}.${place}.*.*.*` }),
        )
  }

  /** @throws LOG_LOST, LOG_CORRUPT */
  async get(body: string): Promise<Uint8Array> {
    const [id = '', pieces, size, sum] = body.split(' ')
    const bytes = new Uint8Array(Number(size))
    let at = 0
    for (let n = 0; n < Number(pieces); n++) {
      const piece = await this.piece(`${this.prefix}.${id}.${n}`)
      bytes.set(piece.subarray(0, bytes.byteLength - at), at)
      at += piece.byteLength
    }
    if (at !== bytes.byteLength || crc32(bytes) !== Number(sum))
      throw new TidegateError('LOG_CORRUPT', `${this.stream}: the body ${id} is not what was stored`, { id })
    return bytes
  }
  private async piece(subject: string): Promise<Uint8Array> {
    const ask = () => this.link.jsm.streams.getMessage(this.stream, { last_by_subj: subject })
    const message = await patiently(this.link, ask).catch((error: unknown) => {
      if (error instanceof JetStreamApiError) return null
      throw error
    })
    if (message === null) throw lost(this.stream, `${subject} is not there`)
    return message.data
  }
}

const sumOf = (bytes: Uint8Array): string => `${bytes.byteLength} ${crc32(bytes)}`
