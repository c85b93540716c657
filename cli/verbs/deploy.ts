import { deploy } from '../../runtime/cluster/deploy.ts'
import { feedName } from '../../runtime/cluster/feed_name.ts'
import type { Start } from '../../runtime/cluster/start.ts'
import { plan as planOf } from '../../runtime/plan.ts'
import { TidegateError } from '../../schemas/errors.ts'
import { rangesOption, timeOption, wholeOption } from '../args.ts'
import { natsOptions, replicasOption, whoami, withCluster } from '../cluster.ts'
import { folderOf, loadDefinition, setOption } from '../definition.ts'
import { renderFates } from '../describe/fates.ts'
import { packageVersion } from '../project/own_package.ts'
import { stateChoice, stateOptions } from '../state_choice.ts'
import type { Args, Verb } from '../verb.ts'

export const deployVerb: Verb = {
  name: 'deploy',
  summary: 'Stores a definition on the server; workers run the first version at once, later ones wait for `promote`.',
  form: 'FILE',
  positionals: { min: 1, max: 1 },
  options: {
    ...natsOptions,
    replicas: replicasOption,
    set: setOption,
    ranges: {
      type: 'string',
      value: 'N',
      help: 'cut the keys into so many ranges, which workers share; 1 unless named',
    },
    from: {
      type: 'string',
      value: 'now|all',
      help: 'where a pipeline that took nothing yet begins in its ticks; now unless named',
    },
    'from-seq': { type: 'string', value: 'N', help: 'it begins at this record of the ticks' },
    'from-time': { type: 'string', value: 'TIME', help: 'it begins at this event time' },
    ...stateOptions,
    mode: { type: 'string', value: 'paper|live', help: 'paper is the default' },
    confirm: { type: 'string', value: 'PIPELINE', help: 'consent to live trading, by name' },
  },
  notes:
    'A definition that is refused is refused with every reason at once. What a later version keeps of the state of the one before is listed by node.',
  async run(args, context) {
    const { io } = context
    const [file = ''] = args.positionals
    const definition = await loadDefinition(file, args)
    const mode = args.value('mode') ?? 'paper'
    if (mode !== 'paper' && mode !== 'live')
      throw new TidegateError('USAGE', `--mode: expected paper or live, found "${mode}"`)
    const plan = planOf(definition, await context.catalogue(folderOf(file)), mode)
    if (mode === 'live')
      throw new TidegateError(
        'LIVE_REFUSED',
        `${plan.pipeline}: what is deployed trades on paper; \`tidegate run FILE --mode live\` trades, on one machine`,
        { pipeline: plan.pipeline },
      )
    const [start, ranges] = [startOption(args), rangesOption(args)]
    await withCluster(args, context, 'operator', async (cluster) => {
      const { deployed, added, begins, pointer, live, fates } = await deploy(cluster, {
        ...{ definition, plan, start },
        release: packageVersion(),
        by: whoami(),
        at: new Date().toISOString(),
        ranges,
        state: stateChoice(args),
      })
      const feeds = plan.sources.map((source) => ({ source: source.id, feed: feedName(source) }))
      const document = {
        pipeline: plan.pipeline,
        version: deployed.version,
        plan: plan.hash,
        added,
        begins,
        live,
        pointer,
        fates,
        feeds,
      }
      io.document(document, () =>
        [
          `${plan.pipeline}: version ${deployed.version}, plan ${plan.hash.slice(0, 12)}, ${added ? '' : 'is there already, '}${begins ? 'now begins where you said, ' : ''}${live ? 'runs as soon as a worker is there (`tidegate worker`)' : `waits beside version ${pointer.version}: \`tidegate shadow\` or \`tidegate promote ${plan.pipeline}\``}`,
          ...feeds.map(({ source, feed }) => `  ${source} reads feed ${feed}`),
          ...(fates.length > 0 ? ['', renderFates(fates)] : []),
        ].join('\n'),
      )
    })
  },
}

function startOption(args: Args): Start | undefined {
  const [seq, at, from] = [wholeOption(args, 'from-seq'), timeOption(args, 'from-time'), args.value('from')]
  if ([seq, at, from].filter((v) => v !== undefined).length > 1)
    throw new TidegateError('USAGE', 'expected one of --from, --from-seq and --from-time')
  if (seq !== undefined) return { type: 'seq', seq }
  if (at !== undefined) return { type: 'time', at }
  if (from !== undefined && from !== 'now' && from !== 'all')
    throw new TidegateError('USAGE', `--from: expected now or all, found "${from}"`)
  return from && { type: from }
}
