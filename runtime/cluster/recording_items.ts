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
  // a feed counts rows of its own kind; a recording has gaps and heartbeats between them
  const taken = [{ rows: 0, data: position, ended: false }]
  let left = binding.type === 'generated' ? 0 : position
  const began = clock.now()
  let origin: number | undefined
  for (const whole of merged({ ...plan, sources: [source] }, new Map([[source.id, binding]]), { from, to, taken })) {
    const isRow = whole.frame.kind === source.component.output.kind
    const skipped = left === 0 ? 0 : Math.min(isRow ? left : Number.POSITIVE_INFINITY, whole.to - whole.from)
    if (isRow) left -= skipped
    const slice = { ...whole, from: whole.from + skipped }
    if (slice.from === slice.to) continue
    for (const piece of speed === Number.POSITIVE_INFINITY ? [slice] : paced(slice, speed)) {
      const at = piece.frame.at[piece.from] as number
      origin ??= at
      const wait = speed === Number.POSITIVE_INFINITY ? 0 : (at - origin) / speed - (clock.now() - began)
      if (wait > 0) await pause(clock, wait, signal)
      if (signal.aborted) return
      yield itemsOf(source, piece)
    }
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
