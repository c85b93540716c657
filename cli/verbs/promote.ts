import { promote } from '../../runtime/cluster/deploy.ts'
import { wholeOption } from '../args.ts'
import { natsOptions, withCluster } from '../cluster.ts'
import { renderFates } from '../describe/fates.ts'
import { stateChoice, stateOptions } from '../state_choice.ts'
import type { Args, Context, Verb } from '../verb.ts'

export const promoteVerb: Verb = {
  name: 'promote',
  summary: 'Makes the newest deployed version the one that runs, with the state of the one before.',
  form: 'PIPELINE [--version N]',
  positionals: { min: 1, max: 1 },
  options: {
    ...natsOptions,
    version: { type: 'string', value: 'N', help: 'the version; the newest unless named' },
    ...stateOptions,
  },
  notes: 'The cut-over is one commit: what comes before it is of the old version, what comes after of the new one.',
  run: (args, context) => change(args, context, wholeOption(args, 'version')),
}

export const rollbackVerb: Verb = {
  name: 'rollback',
  summary: 'Goes back to the version that ran before, with the state there is now.',
  form: 'PIPELINE',
  positionals: { min: 1, max: 1 },
  options: { ...natsOptions, ...stateOptions },
  notes: 'What was committed stays; nodes that only the newer version had lose their state.',
  run: (args, context) => change(args, context, 'previous'),
}

async function change(args: Args, context: Context, version: number | 'previous' | undefined): Promise<void> {
  const [pipeline = ''] = args.positionals
  await withCluster(args, context, 'operator', async (cluster) => {
    const { from, pointer, fates } = await promote(cluster, pipeline, { version, state: stateChoice(args) })
    context.io.document({ pipeline, from, to: pointer.version, pointer, fates }, () =>
      [`${pipeline}: version ${from} -> ${pointer.version}`, '', renderFates(fates)].join('\n'),
    )
  })
}
