import { subjectToken } from '../../schemas/subjects.ts'
import type { Link } from '../log/jetstream/link.ts'
import { provision } from '../log/jetstream/provision.ts'
import { layout, retentionOf, streamOf } from '../log/layout.ts'

async function provide(link: Link, name: string, namespace: string, subject: string, replicas: number) {
  const stream = streamOf(namespace, name)
  await provision(link, {
    name: stream,
    subjects: [subject],
    retention: retentionOf(name),
    replicas,
    description: `tidegate ${name.split('.')[0]}`,
  })
  return stream
}

/** Makes the stream where the signals of a pipeline stand, and gives its name. */
export const provideSignals = (link: Link, namespace: string, pipeline: string, replicas: number): Promise<string> =>
  provide(link, layout.signals(pipeline), namespace, `${namespace}.sig.${subjectToken(pipeline)}.>`, replicas)
export const provideDeadLetters = (link: Link, namespace: string, replicas: number): Promise<string> =>
  provide(link, layout.deadLetters, namespace, `${namespace}.dlq.>`, replicas)
export const provideEvents = (link: Link, namespace: string, replicas: number): Promise<string> =>
  provide(link, layout.events, namespace, `${namespace}.evt.>`, replicas)
