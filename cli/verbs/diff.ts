import { plan as planOf } from '../../runtime/plan.ts'
import { fates } from '../../runtime/state/carry.ts'
import { natsOptions, withCluster } from '../cluster.ts'
import { folderOf, loadDefinition, setOption } from '../definition.ts'
import { renderFates } from '../describe/fates.ts'
import { stateChoice, stateOptions } from '../state_choice.ts'
import type { Verb } from '../verb.ts'

export const diffVerb: Verb = {
  name: 'diff',
  summary:
    'Says what a definition would change in what runs: whose state is kept, whose begins anew, whose is dropped.',
  form: 'FILE',
  positionals: { min: 1, max: 1 },
  options: { ...natsOptions, set: setOption, 'keep-state': stateOptions['keep-state'] },
  async run(args, context) {
    const [file = ''] = args.positionals
    const plan = planOf(await loadDefinition(file, args), await context.catalogue(folderOf(file)), 'paper')
    await withCluster(args, context, 'operator', async (cluster) => {
      const { pointer } = await cluster.definitions.require(plan.pipeline)
      const live = await cluster.plans.of(plan.pipeline, pointer.version)
      const changed = fates(live, plan, stateChoice(args).keep)
      const same = live.hash === plan.hash
      const document = {
        pipeline: plan.pipeline,
        version: pointer.version,
        from: live.hash,
        to: plan.hash,
        same,
        fates: changed,
      }
      context.io.document(document, () =>
        same
          ? `${plan.pipeline}: version ${pointer.version} runs this very plan`
          : `${plan.pipeline}: version ${pointer.version} (${live.hash.slice(0, 12)}) -> ${plan.hash.slice(0, 12)}\n\n${renderFates(changed)}`,
      )
    })
  },
}
