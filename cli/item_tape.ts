import type { SourceItem } from '../runtime/define.ts'
import { encodeItems } from '../runtime/feed.ts'
import type { PlannedSource } from '../runtime/plan.ts'
import { type TapeInfo, TapeWriter } from '../runtime/tape.ts'
import { kinds } from '../schemas/kinds.ts'

const ITEMS_AT_ONCE = 4096

/** Writes what a source tells as a tape. Frames are cut by number: the same items give the same bytes, however they came. */
export class ItemTape {
  private readonly source: PlannedSource
  private readonly tape: TapeWriter
  private items: SourceItem[] = []

  constructor(path: string, source: PlannedSource) {
    this.source = source
    this.tape = TapeWriter.create(path, kinds, 'packed')
  }
  push(items: readonly SourceItem[]): void {
    for (const item of items) {
      this.items.push(item)
      if (this.items.length === ITEMS_AT_ONCE) this.write()
    }
  }
  async close(): Promise<TapeInfo> {
    this.write()
    return this.tape.close()
  }
  async discard(): Promise<void> {
    await this.tape.discard()
  }
  private write(): void {
    for (const frame of encodeItems(this.source, this.items)) this.tape.write(frame)
    this.items = []
  }
}
