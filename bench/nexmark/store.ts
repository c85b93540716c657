import { openLink } from '../../runtime/log/jetstream/link.ts'
import { openJetStreamLog } from '../../runtime/log/jetstream/log.ts'
import { type Range, streamOf, subjectOfLog, suffix } from '../../runtime/log/layout.ts'
import { inputsName } from '../../runtime/stage.ts'

export const NAMESPACE = 'bench'
export const INPUT = inputsName('nexmark')
export const inputOf = (range: Range): string => `${INPUT}${suffix(range)}`
const WINDOW = 256

/** Puts records into an input stream of a fresh server, many on their way at once. */
export async function store(servers: string, records: readonly Uint8Array[], name = INPUT): Promise<void> {
  const link = await openLink({ servers, name: 'bench' })
  const log = await openJetStreamLog(link, { namespace: NAMESPACE })
  const input = await log.stream(name)
  const subject = subjectOfLog(NAMESPACE, name)
  for (let from = 0; from < records.length; from += WINDOW)
    await Promise.all(records.slice(from, from + WINDOW).map((record) => link.js.publish(subject, record)))
  const { first, last } = await input.state()
  if (first !== 1 || last !== records.length)
    throw new Error(`${streamOf(NAMESPACE, name)}: expected records 1 to ${records.length}, found ${first} to ${last}`)
  await log.close()
  await link.close()
}
