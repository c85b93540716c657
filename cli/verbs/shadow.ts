import { shadow } from '../../runtime/cluster/deploy.ts'
import { eventsOf } from '../../runtime/cluster/events.ts'
import { durationOption, wholeOption } from '../args.ts'
import { natsOptions, openCluster } from '../cluster.ts'
import { stateChoice, stateOptions } from '../state_choice.ts'
import { stopper } from '../stopper.ts'
import type { Verb } from '../verb.ts'

export const shadowVerb: Verb = {
  name: 'shadow',
  summary:
    'Runs the newest deployed version beside the one that runs, from the same commit, and tells where it differs.',
  form: 'PIPELINE [--stop]',
  positionals: { min: 1, max: 1 },
  options: {
    ...natsOptions,
    version: { type: 'string', value: 'N', help: 'the version; the newest unless named' },
    stop: { type: 'boolean', help: 'end the shadow' },
    'keep-state': stateOptions['keep-state'],
    detach: { type: 'boolean', help: 'do not wait for differences' },
    for: { type: 'string', value: 'DURATION', help: 'stop waiting after this long' },
  },
  notes:
    'A worker recomputes every commit with the other version, on the inputs the commit took. The first difference of each node is an event, and printed here. The shadow publishes nothing. Ctrl-C stops waiting; the shadow goes on until --stop or `promote`.',
  async run(args, context) {
    const [pipeline = ''] = args.positionals
    const { io } = context
    const [length, version] = [durationOption(args, 'for'), wholeOption(args, 'version')]
    const cluster = await openCluster(args, context, 'operator')
    const stop = stopper(length)
    try {
      if (args.flags.has('stop')) {
        const pointer = await cluster.definitions.move(pipeline, (now) => ({ ...now, shadow: null }))
        io.document({ pipeline, pointer }, () => `${pipeline}: the shadow is over`)
        return
      }
      const events = await eventsOf(cluster, pipeline, 'shadow_different', stop.signal)
      const pointer = await shadow(cluster, pipeline, version, stateChoice(args).keep)
      const words = `${pipeline}: version ${pointer.shadow?.version} runs beside version ${pointer.version}`
      if (args.flags.has('detach')) {
        io.document({ pipeline, pointer }, () => words)
        return
      }
      io.say(`${words}; differences, the first of each node:`)
      for await (const event of events)
        io.line(event, `${event['node']} ${event['key']}: live ${event['expected']}, shadow ${event['found']}`)
    } finally {
      stop.done()
      await cluster.close()
    }
  },
}
