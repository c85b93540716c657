import { openLink } from '../../runtime/log/jetstream/link.ts'
import { openJetStreamLog } from '../../runtime/log/jetstream/log.ts'
import { streamOf, subjectOfLog } from '../../runtime/log/layout.ts'
import { inputsName } from '../../runtime/stage.ts'

export const NAMESPACE = 'bench'
export const INPUT = inputsName('nexmark')
const WINDOW = 256

/** Puts the records of a market into the input stream of a fresh server, many on their way at once. */
export async function store(servers: string, records: readonly Uint8Array[]): Promise<void> {
  const link = await openLink({ servers, name: 'bench' })
  const log = await openJetStreamLog(link, { namespace: NAMESPACE })
  const input = await log.stream(INPUT)
  const subject = subjectOfLog(NAMESPACE, INPUT)
  for (let from = 0; from < records.length; from += WINDOW)
    await Promise.all(records.slice(from, from + WINDOW).map((record) => link.js.publish(subject, record)))
  const { first, last } = await input.state()
  if (first !== 1 || last !== records.length)
    throw new Error(`${streamOf(NAMESPACE, INPUT)}: expected records 1 to ${records.length}, found ${first} to ${last}`)
  await log.close()
  await link.close()
}
