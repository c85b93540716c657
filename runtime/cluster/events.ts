import { subjectToken } from '../../schemas/subjects.ts'
import { isNoStream } from '../log/jetstream/api_errors.ts'
import type { Link } from '../log/jetstream/link.ts'
import { patiently } from '../log/jetstream/patience.ts'
import { createdMark, readFrom } from '../log/jetstream/reader.ts'
import { layout, streamOf } from '../log/layout.ts'
import { provideEvents } from './provide.ts'

const subjectOf = (namespace: string, pipeline: string, event: string): string =>
  `${namespace}.evt.${subjectToken(pipeline)}.${event}`

/** What happens beside the data: a task that failed, a worker that was fenced, a difference the audit found. */
export class Events {
  private readonly link: Link
  private readonly namespace: string
  private readonly worker: string

  private constructor(link: Link, namespace: string, worker: string) {
    this.link = link
    this.namespace = namespace
    this.worker = worker
  }
  static async open(link: Link, namespace: string, worker: string, replicas: number): Promise<Events> {
    await provideEvents(link, namespace, replicas)
    return new Events(link, namespace, worker)
  }
  /** For people and alarms: sent once, and lost with a server that is away. What must not be lost is in the commits. */
  tell(pipeline: string, event: string, facts: Readonly<Record<string, unknown>>): void {
    void this.say(pipeline, event, facts)
  }
  /** As `tell`; settles when it is stored, or may be lost. */
  async say(pipeline: string, event: string, facts: Readonly<Record<string, unknown>>): Promise<void> {
    const said = { pipeline, event, worker: this.worker, ...facts }
    const data = new TextEncoder().encode(JSON.stringify(said))
    await this.link.exchange.publish(subjectOf(this.namespace, pipeline, event), data, {})
  }
  /** What was told last; undefined where nothing was, or is kept no more. */
  async newest(pipeline: string, event: string): Promise<unknown> {
    const last_by_subj = subjectOf(this.namespace, pipeline, event)
    const stream = streamOf(this.namespace, layout.events)
    const ask = () => this.link.jsm.streams.getMessage(stream, { last_by_subj })
    const message = await patiently(this.link, ask).catch((error: unknown) => {
      if (isNoStream(error)) return null
      throw error
    })
    return message?.json()
  }
}

/** The events of one sort from now on. */
export async function eventsOf(
  { link, namespace, replicas }: { readonly link: Link; readonly namespace: string; readonly replicas: number },
  pipeline: string,
  event: string,
  signal: AbortSignal,
): Promise<AsyncGenerator<Readonly<Record<string, unknown>>>> {
  const stream = await provideEvents(link, namespace, replicas)
  const info = await link.jsm.streams.info(stream)
  const subject = subjectOf(namespace, pipeline, event)
  async function* matching() {
    const from = info.state.last_seq + 1
    for await (const batch of readFrom(link, { stream, from, created: createdMark(info), signal }))
      for (const message of batch)
        if (message.subject === subject) yield message.json<Readonly<Record<string, unknown>>>()
  }
  return matching()
}
