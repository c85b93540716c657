import { hostname } from 'node:os'
import { wallClock } from '../../runtime/clock.ts'
import { Worker } from '../../runtime/cluster/worker.ts'
import { plan } from '../../runtime/plan.ts'
import { TidegateError } from '../../schemas/errors.ts'
import { durationOption } from '../args.ts'
import { natsOptions, openCluster, replicasOption } from '../cluster.ts'
import { endpointOption, endpointsOf } from '../endpoints.ts'
import { executionOf, executionOption, failureTeller } from '../execution.ts'
import { packageVersion } from '../project/own_package.ts'
import { stopper } from '../stopper.ts'
import type { Verb } from '../verb.ts'

export const workerVerb: Verb = {
  name: 'worker',
  summary: 'Runs its share of what is deployed: feeds, stages, signals. Several workers share the work.',
  form: '[--name NAME]',
  positionals: { min: 0, max: 0 },
  options: {
    ...natsOptions,
    replicas: replicasOption,
    name: { type: 'string', value: 'NAME', help: 'tells this worker from others; host and process unless named' },
    audit: { type: 'boolean', help: 'recompute what is committed, all the time, and raise an event where it differs' },
    execution: executionOption,
    endpoint: endpointOption,
    for: { type: 'string', value: 'DURATION', help: 'stop after this long' },
  },
  notes:
    'Ctrl-C and SIGTERM let it finish its step and give its leases back; others go on at once. After a crash they go on when its leases run out, two seconds later. Project components are those of the folder it is started in.',
  async run(args, context) {
    const { io, catalogue } = context
    const length = durationOption(args, 'for')
    const name = args.value('name') ?? `${hostname()}-${process.pid}`.replace(/[^A-Za-z0-9_-]/g, '_')
    if (!/^[A-Za-z0-9_-]{1,64}$/.test(name))
      throw new TidegateError('USAGE', `--name: expected letters, digits, _ and - (64 at most), found "${name}"`, {
        name,
      })
    const cluster = await openCluster(args, context, 'worker')
    const stop = stopper(length)
    const teller = failureTeller(io)
    try {
      const components = await catalogue('.')
      io.say(
        `worker ${name} on ${cluster.link.nc.getServer()} (nats-server ${cluster.link.version}), namespace ${cluster.namespace}`,
      )
      await Worker.run(
        {
          ...cluster,
          name,
          release: packageVersion(),
          planner: async (definition) => plan(definition, components, 'paper'),
          clock: wallClock,
          random: Math.random,
          endpoint: endpointsOf(args),
          audit: args.flags.has('audit'),
          execution: executionOf(args),
          notice: (text) => io.say(text),
          failed: teller.failed,
        },
        stop.signal,
      )
      return teller.exit()
    } finally {
      stop.done()
      await cluster.close()
    }
  },
}
