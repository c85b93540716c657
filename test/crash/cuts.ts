import type { SourceItem } from '../../runtime/define.ts'
import type { PlannedSource } from '../../runtime/plan.ts'
import { FrameWriter } from '../../schemas/frame_writer.ts'

/** A small generator of whole numbers for tests: Lehmer's, modulo a Mersenne prime. */
export function whole(seed: number): (below: number) => number {
  let state = (seed % 2_147_483_646) + 1
  return (below) => {
    state = (state * 48_271) % 2_147_483_647
    return state % below
  }
}
export const mixed = (seed: number, length: number): Uint8Array => {
  const next = whole(seed)
  return Uint8Array.from({ length }, () => next(256))
}

/** The rows of a generated source as frames of random lengths: the same rows for every seed, never the same cuts. */
export function* recut(source: PlannedSource, seed: number): Generator<Uint8Array> {
  const generate = source.component.generate as unknown as (
    params: unknown,
    position: number,
  ) => Iterable<readonly SourceItem[]>
  const next = whole(seed)
  const writer = new FrameWriter(source.component.output, 'recorded')
  let length = 1 + next(400)
  for (const items of generate(source.params, 0))
    for (const item of items) {
      if (item.type !== 'row') continue
      writer.push(item.at, item.key, item.value)
      if (writer.rows < length) continue
      yield writer.take()
      length = 1 + next(next(4) === 0 ? 3 : 400)
    }
  if (writer.rows > 0) yield writer.take()
}
