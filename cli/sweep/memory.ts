import { tooLarge } from '../../runtime/environment/shared_frames.ts'
import type { FeedOptions } from '../../runtime/feed.ts'
import type { Plan } from '../../runtime/plan.ts'
import type { Tape } from '../../runtime/tape.ts'
import { columnBytes, columnsOf } from '../../schemas/columns.ts'
import { TidegateError } from '../../schemas/errors.ts'
import { envelope } from '../../schemas/frame.ts'
import { kinds } from '../../schemas/kinds.ts'
import { numberOption } from '../args.ts'
import type { Bindings } from '../binding.ts'
import type { Args } from '../verb.ts'

/** Bytes the rows of a sweep may take: --max-memory, else half of what is free. */
export function memoryLimit(args: Args): number {
  const megabytes = numberOption(args, 'max-memory')
  if (megabytes !== undefined && megabytes <= 0)
    throw new TidegateError('USAGE', `--max-memory: expected megabytes above 0, found ${megabytes}`)
  return megabytes === undefined ? process.availableMemory() / 2 : megabytes * 1e6
}

/**
 * Says that whole tapes do not fit before they are read. Of a part of a tape nobody knows how much it is until it is read.
 * @throws MEMORY_SHORT
 */
export function checkMemory(plan: Plan, bindings: Bindings, { from, to }: FeedOptions, limit: number): void {
  if (from !== undefined || to !== undefined) return
  let needed = 0
  for (const { id, component } of plan.sources) {
    const binding = bindings.get(id)
    if (binding?.type !== 'recording' || binding.symbol !== undefined) continue
    for (const [name, rows] of Object.entries((binding.recording as Tape).info.kinds)) {
      const kind = name === component.output.kind ? component.output : kinds[name]
      const columns = kind === undefined ? [] : [...envelope, ...columnsOf(kind)]
      needed += rows * columns.reduce((sum, { type }) => sum + columnBytes[type], 0)
    }
  }
  if (needed > limit) throw tooLarge(limit, needed)
}
