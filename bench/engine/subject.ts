import type { BindingName } from '../../runtime/compiled.ts'
import { type Engine, openEngine } from '../../runtime/engine.ts'
import { metering } from '../../runtime/environment/metering.ts'
import type { Frame } from '../../schemas/frame.ts'
import { watchInto } from '../fused/engine.ts'
import { type Feed, framesOf, makeFeed, spanOf } from '../fused/feed.ts'
import { SOURCE } from '../fused/graph.ts'
import { Sheets } from '../fused/sheets.ts'
import { type Drawing, enginePlan } from './tick_graph.ts'

export const ROWS = 200_000
/** Rows per frame. */
export const FRAME = 1024
/**
 * Passes before anything warm is measured: 24 million ticks, as many as in the contests. With 10 symbols V8 goes on
 * compiling what is called once a fill until some 48 million.
 */
export const WARM_PASSES = 120

/** A feed as frames, taken over and over: moved on in time before every pass but the first. */
export class Loop {
  readonly feed: Feed
  readonly frames: readonly Frame[]
  private readonly span: number

  constructor(symbols: number, rows = ROWS) {
    this.feed = makeFeed(symbols, rows)
    this.frames = framesOf(this.feed, SOURCE, FRAME)
    this.span = spanOf(this.feed)
  }
  /** Time of a row in the pass at hand. */
  at(row: number): number {
    return this.frames[Math.floor(row / FRAME)]!.at[row % FRAME]!
  }
  moveOn(): void {
    for (const { at } of this.frames) for (let i = 0; i < at.length; i++) at[i]! += this.span
  }
}

export interface Opening extends Drawing {
  readonly binding?: BindingName
  /** Off only where its price is asked. */
  readonly metered?: boolean
}
/** A compiled engine that writes all it finds into sheets. */
export class Subject {
  readonly engine: Engine
  readonly sheets: Sheets
  private constructor(engine: Engine, sheets: Sheets) {
    this.engine = engine
    this.sheets = sheets
  }
  static async open({ feed }: Loop, { binding, metered = true, ...drawing }: Opening = {}): Promise<Subject> {
    const sheets = new Sheets()
    const options = { execution: 'compile', binding, metering: metered ? metering : undefined } as const
    return new Subject(await openEngine(enginePlan(drawing), watchInto(sheets, feed.keys), options), sheets)
  }
  take(frames: readonly Frame[]): void {
    this.sheets.clear()
    for (const frame of frames) this.engine.frame(frame)
  }
  /** Takes the loop so many times more. */
  warm(loop: Loop, passes = WARM_PASSES): void {
    for (let i = 0; i < passes; i++) {
      loop.moveOn()
      this.take(loop.frames)
    }
  }
}

/** ns of CPU, those of helper threads included. */
export function cpu(run: () => void): number {
  const before = process.cpuUsage()
  run()
  const { user, system } = process.cpuUsage(before)
  return (user + system) * 1e3
}
/** What a process of the benchmark says: figures by name. */
export type Figures = Readonly<Record<string, number>>
export const say = (figures: Figures): void => {
  process.stdout.write(JSON.stringify(figures))
}
