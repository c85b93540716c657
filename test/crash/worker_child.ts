import { operators } from '../../operators/catalogue.ts'
import { type Clock, wallClock } from '../../runtime/clock.ts'
import { Worker } from '../../runtime/cluster/worker.ts'
import { openLink } from '../../runtime/log/jetstream/link.ts'
import { openJetStreamLog } from '../../runtime/log/jetstream/log.ts'
import { plan } from '../../runtime/plan.ts'
import { sinks } from '../../sinks/catalogue.ts'
import { sources } from '../../sources/catalogue.ts'

/**
 * A worker that may kill itself. Arguments: the server, the namespace, its name, and where to die: a crash point and which
 * time it is passed, or `none`; replicas of its streams; how far its clock is off, in µs.
 */
const [servers = '', namespace = '', name = '', ...settings] = process.argv.slice(2)
const [point = 'none', times = '1', replicas = '1', skew = '0'] = settings

const link = await openLink({ servers, name })
const log = await openJetStreamLog(link, { namespace, replicas: Number(replicas) })
const clock: Clock = { ...wallClock, now: () => wallClock.now() + Number(skew) }
let passed = 0
const stop = new AbortController()
process.once('SIGTERM', () => stop.abort())
const said = (text: string) => process.stdout.write(`${text}\n`)
await Worker.run(
  {
    ...{
      link,
      log,
      namespace,
      name,
      release: 'crash',
      replicas: Number(replicas),
      clock,
      random: Math.random,
      notice: said,
    },
    planner: async (definition) => plan(definition, { operators, sources, sinks }, 'paper'),
    probe(here) {
      if (here === point && ++passed >= Number(times)) process.kill(process.pid, 'SIGKILL')
    },
  },
  stop.signal,
)
process.exit(0)
