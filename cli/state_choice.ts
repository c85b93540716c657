import type { StateChoice } from '../runtime/cluster/deploy.ts'
import type { Args } from './verb.ts'

export const stateOptions = {
  'keep-state': {
    type: 'string',
    multiple: true,
    value: 'NODE',
    help: 'a node whose params changed goes on with its state',
  },
  'drop-state': {
    type: 'string',
    multiple: true,
    value: 'NODE',
    help: 'lets the state of a node about money (orders, positions) be lost',
  },
} as const

export const stateChoice = (args: Args): StateChoice => ({
  keep: args.values['keep-state'] ?? [],
  drop: args.values['drop-state'] ?? [],
})
