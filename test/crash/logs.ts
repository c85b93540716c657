import { mkdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { openEmbeddedLog } from '../../runtime/log/embedded.ts'
import { openLink } from '../../runtime/log/jetstream/link.ts'
import { openJetStreamLog } from '../../runtime/log/jetstream/log.ts'
import type { Log } from '../../runtime/log/log.ts'

/** The log of a run: in its directory, or on a server in a namespace of the directory's name. */
export async function openLog(directory: string, server: string, readonly = false): Promise<Log> {
  if (server === '') return openEmbeddedLog(join(directory, 'log'), { readonly })
  mkdirSync(directory, { recursive: true })
  const link = await openLink({ servers: server, name: 'crash' })
  const log = await openJetStreamLog(link, { namespace: `r${basename(directory)}` })
  const close = async () => {
    await log.close()
    await link.close()
  }
  return { ...log, close }
}
