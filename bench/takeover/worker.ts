import { operators } from '../../operators/catalogue.ts'
import { wallClock } from '../../runtime/clock.ts'
import { Worker } from '../../runtime/cluster/worker.ts'
import { openLink } from '../../runtime/log/jetstream/link.ts'
import { openJetStreamLog } from '../../runtime/log/jetstream/log.ts'
import { plan } from '../../runtime/plan.ts'
import { sinks } from '../../sinks/catalogue.ts'
import { sources } from '../../sources/catalogue.ts'

/** A worker of the bench. Arguments: server, namespace, name. */
const [servers = '', namespace = '', name = ''] = process.argv.slice(2)
const link = await openLink({ servers, name })
const log = await openJetStreamLog(link, { namespace })
const planner = async (definition: unknown) => plan(definition, { operators, sources, sinks }, 'paper')
const own = { link, log, namespace, name, release: 'bench', planner, clock: wallClock, random: Math.random }
await Worker.run({ ...own, notice: (text) => process.stdout.write(`${text}\n`) }, new AbortController().signal)
