import { rowReader } from '../../schemas/frame_reader.ts'
import { FeedEvent, Gap, Heartbeat, Invalid } from '../../schemas/market.ts'
import { type Clock, pause } from '../clock.ts'
import type { SourceItem } from '../connect.ts'
import { paced } from '../environment/run.ts'
import { type Binding, merged, type Slice } from '../feed.ts'
import type { Plan, PlannedSource } from '../plan.ts'

export interface Pace {
  readonly clock: Clock
  /** Event seconds per second; Infinity for as fast as it goes. */
  readonly speed: number
  readonly from?: number | undefined
  readonly to?: number | undefined
  readonly signal: AbortSignal
}

/** What a source would give if its venue said again what was recorded, from after the first `position` rows. */
export async function* recordingItems(
  plan: Plan,
  source: PlannedSource,
  binding: Binding,
  position: number,
  { clock, speed, from, to, signal }: Pace,
): AsyncGenerator<readonly SourceItem[]> {
  const began = clock.now()
  let origin: number | undefined
  for (const slice of after(
    merged({ ...plan, sources: [source] }, new Map([[source.id, binding]]), { from, to }),
    source,
    position,
  ))
    for (const piece of speed === Number.POSITIVE_INFINITY ? [slice] : paced(slice, speed)) {
      const at = piece.frame.at[piece.from] as number
      origin ??= at
      const wait = speed === Number.POSITIVE_INFINITY ? 0 : (at - origin) / speed - (clock.now() - began)
      if (wait > 0) await pause(clock, wait, signal)
      if (signal.aborted) return
      yield itemsOf(source, piece)
    }
}

/** What follows so many rows of the source's own; what is said between them counts for nothing. */
function* after(slices: Iterable<Slice>, source: PlannedSource, position: number): Generator<Slice> {
  let left = position
  for (const slice of slices) {
    if (left > 0 && slice.frame.kind !== source.component.output.kind) continue
    const dropped = Math.min(left, slice.to - slice.from)
    left -= dropped
    if (slice.from + dropped < slice.to) yield { ...slice, from: slice.from + dropped }
  }
}

function itemsOf(source: PlannedSource, { frame, from, to }: Slice): readonly SourceItem[] {
  const items: SourceItem[] = []
  const [row, gap, heartbeat] = [rowReader(source.component.output), rowReader(Gap), rowReader(Heartbeat)]
  const [invalid, event] = [rowReader(Invalid), rowReader(FeedEvent)]
  for (let i = from; i < to; i++) {
    const [at, key] = [frame.at[i] as number, frame.keys[frame.key[i] as number] as string]
    if (frame.kind === Gap.kind) items.push({ type: 'gap', at, key, value: gap(frame, i) as never })
    else if (frame.kind === Invalid.kind) items.push({ type: 'invalid', at, key, value: invalid(frame, i) as never })
    else if (frame.kind === FeedEvent.kind) items.push({ type: 'event', at, key, value: event(frame, i) as never })
    else if (frame.kind !== Heartbeat.kind) items.push({ type: 'row', at, key, value: row(frame, i) })
    else if ((heartbeat(frame, i) as { end: boolean }).end) items.push({ type: 'end', at })
    else items.push({ type: 'heartbeat', at, key })
  }
  return items
}
