import type { Fate } from '../../runtime/state/carry.ts'
import { table } from './table.ts'

const words: Readonly<Record<Fate['fate'], string>> = {
  kept: 'kept',
  fresh: 'begins anew',
  new: 'new',
  dropped: 'dropped',
}
/** What a change does to the state of each node. */
export const renderFates = (fates: readonly Fate[]): string =>
  table(
    ['node', 'state', ''],
    fates.map(({ node, fate, why, money }) => [
      node,
      `${words[fate]}${money && fate !== 'kept' ? ' (money)' : ''}`,
      why,
    ]),
  )
