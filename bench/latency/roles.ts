import { openLink } from '../../runtime/log/jetstream/link.ts'
import { ingest, work } from './ours.ts'
import { publishTicks, relay } from './relay.ts'
import type { Schedule } from './schedule.ts'
import { listen } from './subscriber.ts'

/** What a process of the bench does. */
export type Role =
  | { readonly role: 'worker'; readonly namespace: string }
  | { readonly role: 'ingest'; readonly namespace: string; readonly schedule: Schedule }
  | { readonly role: 'relay' }
  | { readonly role: 'publish'; readonly schedule: Schedule; readonly bytes: number }
  | { readonly role: 'listen'; readonly subject: string; readonly schedule: Schedule; readonly warm: number }

const [servers = '', json = ''] = process.argv.slice(2)
const own = JSON.parse(json) as Role
const link = await openLink({ servers, name: own.role })
switch (own.role) {
  case 'worker':
    await work(link, own.namespace)
    break
  case 'ingest':
    await ingest(link, own.namespace, own.schedule)
    break
  case 'relay':
    await relay(link)
    break
  case 'publish':
    await publishTicks(link, own.schedule, own.bytes)
    break
  case 'listen':
    process.stdout.write(`${JSON.stringify(await listen(link, own.subject, own.schedule, own.warm))}\n`)
    break
}
await link.close()
process.exit(0)
