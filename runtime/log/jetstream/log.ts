import { retentionOf, streamOf, subjectOfLog } from '../layout.ts'
import type { Log } from '../log.ts'
import { type Link, requireJetStream } from './link.ts'
import { isThere, patiently } from './patience.ts'
import { provision } from './provision.ts'
import { Records } from './records.ts'
import { JetStreamStream } from './stream.ts'

export interface JetStreamLogOptions {
  /** `live`, `paper` or `bt-RUN`: streams of one are never seen by another. */
  readonly namespace: string
  /** 3 in a cluster. */
  readonly replicas?: number
}

const MARK = 'tidegate log '

/** A log on a NATS server; closing it leaves the link open. @throws JETSTREAM_OFF, SERVER_TOO_OLD */
export async function openJetStreamLog(link: Link, options: JetStreamLogOptions): Promise<Log> {
  const { namespace, replicas = 1 } = options
  await requireJetStream(link)
  const closing = new AbortController()
  const context = { link, records: new Records(link, namespace, replicas), closed: closing.signal }
  const opened = new Map<string, JetStreamStream>()

  const known = (name: string): JetStreamStream => {
    const there = opened.get(name)
    if (there !== undefined) return there
    const stream = new JetStreamStream(name, streamOf(namespace, name), subjectOfLog(namespace, name), context)
    opened.set(name, stream)
    return stream
  }
  const names = (): Promise<readonly string[]> =>
    patiently(link, async () => {
      const all: string[] = []
      for await (const { config } of link.jsm.streams.list())
        if (config.name.startsWith(`${namespace}-`) && config.description?.startsWith(MARK))
          all.push(config.description.slice(MARK.length))
      return all.sort()
    })
  return {
    guarantee: `Committed means acknowledged by JetStream (${replicas === 1 ? 'one node' : `${replicas} replicas`}, file storage): it survives the death of any process, the server's too; what a server had not synced can be lost with its power, unless it runs with sync_interval: always.`,
    notices: [],
    async stream(name) {
      if (name === '') throw new RangeError('expected a stream name, found an empty text')
      if (!opened.has(name))
        await provision(link, {
          name: streamOf(namespace, name),
          subjects: [subjectOfLog(namespace, name)],
          retention: retentionOf(name),
          replicas,
          description: `${MARK}${name}`,
        })
      return known(name)
    },
    async open(name) {
      if (opened.has(name)) return known(name)
      return (await isThere(link, streamOf(namespace, name))) ? known(name) : undefined
    },
    streams: names,
    async close() {
      closing.abort()
    },
  }
}
