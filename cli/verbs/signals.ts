import { signals } from '../../client/mod.ts'
import { isNoStream } from '../../runtime/log/jetstream/api_errors.ts'
import { layout, streamOf } from '../../runtime/log/layout.ts'
import { TidegateError } from '../../schemas/errors.ts'
import { durationOption, wholeOption } from '../args.ts'
import { namespaceOf, natsOptions, openServer } from '../cluster.ts'
import { stopper } from '../stopper.ts'
import type { Verb } from '../verb.ts'

export const signalsVerb: Verb = {
  name: 'signals',
  summary: 'Prints the signals of a pipeline as they are published, one JSON line each with --json.',
  form: 'PIPELINE[.NODE] [--all]',
  positionals: { min: 1, max: 1 },
  options: {
    ...natsOptions,
    instrument: { type: 'string', value: 'VENUE:SYMBOL', help: 'only signals of this instrument' },
    all: { type: 'boolean', help: 'begin with the oldest signal there is' },
    'from-seq': { type: 'string', value: 'N', help: 'begin at this sequence: the last one printed, plus 1' },
    limit: { type: 'string', value: 'N', help: 'stop after so many' },
    for: { type: 'string', value: 'DURATION', help: 'stop after this long' },
  },
  notes: 'Also `nats sub "paper.sig.PIPELINE.>"`, and `tidegate/client` in a program.',
  async run(args, context) {
    const { io } = context
    const [pipeline = '', node] = (args.positionals[0] ?? '').split('.')
    const [seq, limit] = [wholeOption(args, 'from-seq'), wholeOption(args, 'limit')]
    if (seq !== undefined && args.flags.has('all'))
      throw new TidegateError('USAGE', 'expected one of --all and --from-seq')
    const namespace = namespaceOf(args)
    const instrument = args.value('instrument')
    const length = durationOption(args, 'for')
    const link = await openServer(args, context, 'subscriber')
    const stop = stopper(length)
    try {
      const received = signals(link.nc, pipeline, {
        namespace,
        ...(node !== undefined && { node }),
        ...(instrument !== undefined && { instrument }),
        from: seq ?? (args.flags.has('all') ? 'all' : 'new'),
      })[Symbol.asyncIterator]()
      // a subscriber may come before what it subscribes to, and so may a wrong name
      const stream = streamOf(namespace, layout.signals(pipeline))
      await link.jsm.streams.info(stream).catch((error: unknown) => {
        if (isNoStream(error))
          io.say(`no pipeline "${pipeline}" has published here (stream ${stream}): waits some seconds for it`)
      })
      stop.signal.addEventListener('abort', () => void received.return?.(), { once: true })
      let count = 0
      for await (const signal of { [Symbol.asyncIterator]: () => received }) {
        io.line(signal, `${signal.seq} ${signal.time} ${signal.subject} ${JSON.stringify(signal.value)}`)
        if (++count === limit) break
      }
    } finally {
      stop.done()
      await link.close()
    }
  },
}
