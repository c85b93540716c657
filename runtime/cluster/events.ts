import { subjectToken } from '../../schemas/subjects.ts'
import type { Link } from '../log/jetstream/link.ts'
import { createdMark, readFrom } from '../log/jetstream/reader.ts'
import { provideEvents } from './provide.ts'

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
    const subject = `${this.namespace}.evt.${subjectToken(pipeline)}.${event}`
    const said = { pipeline, event, worker: this.worker, ...facts }
    void this.link.exchange.publish(subject, new TextEncoder().encode(JSON.stringify(said)), {})
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
  const subject = `${namespace}.evt.${subjectToken(pipeline)}.${event}`
  async function* matching() {
    const from = info.state.last_seq + 1
    for await (const batch of readFrom(link, { stream, from, created: createdMark(info), signal }))
      for (const { message } of batch)
        if (message.subject === subject) yield message.json<Readonly<Record<string, unknown>>>()
  }
  return matching()
}
