import { takeVariants } from '../../runtime/environment/sweep_worker.ts'
import type { FeedOptions } from '../../runtime/feed.ts'
import { plan } from '../../runtime/plan.ts'
import { catalogueNear } from '../catalogue.ts'
import { type Figures, figuresOf } from './variant.ts'
import { type Axis, definitionAt } from './vary.ts'

/** What the workers of `tidegate sweep` are told. */
export interface SweepData {
  /** Where the project's own components are looked for. */
  readonly folder: string
  readonly definition: unknown
  readonly axes: readonly Axis[]
  /** Places in the product that are run. */
  readonly places: readonly number[]
  readonly range: FeedOptions
}

await takeVariants<SweepData, Figures>(async ({ folder, definition, axes, places, range }) => {
  const catalogue = await catalogueNear(folder)
  return (index, bindings, progress) =>
    figuresOf(
      plan(definitionAt(definition, axes, places[index] as number), catalogue, 'backtest'),
      bindings,
      range,
      progress,
    )
})
