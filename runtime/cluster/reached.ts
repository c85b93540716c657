import { z } from 'zod'
import type { Events } from './events.ts'

const Said = z.object({
  /** The mark of the stream of signals, and its last message when this was said. */
  signals: z.string(),
  last: z.int(),
  /** By stage, the commit up to which all is published, and the mark of the stream it stands in. */
  stages: z.record(z.string(), z.tuple([z.int(), z.string()])),
})
const EVENT = 'signals_reached'
/** How often it is said, in ms. */
const OFTEN = 600_000

/**
 * How far the signals of a pipeline got where commits said nothing: those leave no message that tells. Without it a start
 * reads all commits since the last signal again, and knows of none that is gone whether it said anything. It is an event,
 * which may be lost: what an older one says is true as well.
 */
export class Reached {
  private readonly events: Events
  private readonly pipeline: string
  private readonly signals: string
  private readonly stages: Map<string, readonly [number, string]>
  private said = performance.now()
  private news = false

  private constructor(events: Events, pipeline: string, signals: string, stages: Reached['stages']) {
    this.events = events
    this.pipeline = pipeline
    this.signals = signals
    this.stages = stages
  }
  /** `signals` and `last`: the stream of signals as it is now; of one that was made anew, or cut, nothing is known. */
  static async open(events: Events, pipeline: string, signals: string, last: number): Promise<Reached> {
    const { data } = Said.safeParse(await events.newest(pipeline, EVENT))
    const known = data?.signals === signals && data.last <= last ? Object.entries(data.stages) : []
    return new Reached(events, pipeline, signals, new Map(known))
  }

  /** The commit of a stage up to which all is published; 0 where that is not known. */
  of(stage: string, mark: string): number {
    const [seq, known] = this.stages.get(stage) ?? [0, mark]
    return known === mark ? seq : 0
  }
  took(stage: string, seq: number, mark: string): void {
    this.stages.set(stage, [seq, mark])
    this.news = true
  }
  get isDue(): boolean {
    return this.news && performance.now() - this.said > OFTEN
  }
  /** Everything of the commits that were taken is stored, and this is the last message of it. */
  async say(last: number): Promise<void> {
    if (!this.news) return
    this.news = false
    this.said = performance.now()
    const { signals, stages } = this
    await this.events.say(this.pipeline, EVENT, { signals, last, stages: Object.fromEntries(stages) })
  }
}
