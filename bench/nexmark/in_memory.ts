import { openEngine } from '../../runtime/engine.ts'
import { metering } from '../../runtime/environment/metering.ts'
import { FirstFailure } from '../../runtime/failure.ts'
import { vouchFor } from '../../schemas/frame.ts'
import { decoded, makeMarket } from './market.ts'
import { queries } from './queries.ts'

/** What one process says of a query over decoded frames. */
export interface InMemory {
  readonly raw_events_per_second: number
  readonly engine_events_per_second: number
  readonly answers: number
}

/** Passes over the same market before any counts: V8 is then done with both. */
const WARM = 8
const MEASURED = 8

/** Runs both over one market, again and again, one after the other; the market moves on in time with every pass. */
async function measure(name: string, events: number): Promise<InMemory> {
  const query = queries[name]!
  const { records, span } = makeMarket({ events })
  const [byHand, found] = [query.sheet(), query.sheet()]
  const failures = new FirstFailure()
  const engine = await openEngine(
    query.plan(),
    { failed: failures.failed, output: () => (_key, at, _ordinal, value) => query.write(found, at, value) },
    { metering },
  )
  const spent = { raw: 0, engine: 0 }
  for (const record of records) vouchFor(record)
  for (let pass = 0; pass < WARM + MEASURED; pass++) {
    // decoded anew: what an engine makes of a frame's dictionary is part of its work
    const frames = decoded(records)
    if (pass > 0) for (const { at } of frames) for (let i = 0; i < at.length; i++) at[i]! += span
    byHand.length = 0
    found.length = 0
    const began = performance.now()
    query.raw(frames, byHand)
    const between = performance.now()
    for (const frame of frames) engine.frame(frame)
    const ended = performance.now()
    failures.check()
    if (found.length !== byHand.length || found.length === 0)
      throw new Error(`${name}: the loop by hand gave ${byHand.length} numbers, the engine ${found.length}`)
    if (pass < WARM) continue
    spent.raw += between - began
    spent.engine += ended - between
  }
  const rate = (ms: number) => (events * MEASURED * 1000) / ms
  return {
    raw_events_per_second: rate(spent.raw),
    engine_events_per_second: rate(spent.engine),
    answers: found.length / found.width,
  }
}

const [name = '', events] = process.argv.slice(2)
process.stdout.write(JSON.stringify(await measure(name, Number(events))))
