import type { Observable } from 'rxjs'
import { peekFrame } from '../../schemas/frame.ts'
import type { Clock } from '../clock.ts'
import type { OpenSource, SourceContext, SourceItem } from '../connect.ts'
import { secretOf } from '../environment/secret.ts'
import { encodeItems } from '../feed.ts'
import { KEY_GROUPS, keyGroup } from '../key_groups.ts'
import type { Link } from '../log/jetstream/link.ts'
import { lost } from '../log/jetstream/lost.ts'
import { type FoundEnd, Publisher } from '../log/jetstream/publisher.ts'
import { layout, type Range, streamOf, subjectOfLog } from '../log/layout.ts'
import type { Log } from '../log/log.ts'
import { WHOLE } from '../network.ts'
import type { PlannedSource } from '../plan.ts'
import { feedName, rangesOf } from './feed_name.ts'

type Open = (context: SourceContext) => Observable<readonly SourceItem[]>
export interface FeedOptions {
  readonly link: Link
  readonly log: Log
  readonly namespace: string
  readonly replicas: number
  readonly source: PlannedSource
  /** How many ranges the keys are cut into: a stream each. */
  readonly ranges: number
  readonly clock: Clock
  readonly random: () => number
  readonly endpoint?: ((source: string) => string | undefined) | undefined
  readonly notice: (text: string) => void
  /** Opens the source in another way than by itself: with a recorder between. */
  readonly opened?: ((open: Open, context: SourceContext) => ReturnType<Open>) | undefined
  /** Items from elsewhere (a recording, paced) in place of what the source itself would open. */
  readonly items?: ((position: number) => AsyncIterable<readonly SourceItem[]>) | undefined
}

/** How many rows of the source all streams of its feed held after a message, as far as they belong to its stream. */
const ROWS = 'Tg-Rows'
/** How many items of its stream that are no rows came behind the last of these rows, up to the end of a message. */
const BESIDE = 'Tg-Beside'
/** The source is finite, and this was its end. */
const ENDED = 'Tg-Ended'
/** Items that wait for the server at most: what comes on top is dropped and told as a gap. */
const MOST_WAITING = 200_000

/** Runs one source into its tick streams, as their only writer, until it ends or the signal aborts. */
export async function runFeed(options: FeedOptions, signal: AbortSignal): Promise<{ rows: number; ended: boolean }> {
  const writer = await FeedWriter.open(options)
  let { ended } = writer
  try {
    if (ended) return { rows: writer.rows, ended }
    try {
      for await (const items of itemsOf(options, writer.rows, signal)) {
        await writer.write(items)
        ended ||= items.some(({ type }) => type === 'end')
        if (signal.aborted) break
      }
    } finally {
      // what a source gave before it failed is its word too
      await writer.flush()
    }
    return { rows: writer.rows, ended }
  } finally {
    writer.close()
  }
}

function itemsOf(options: FeedOptions, position: number, signal: AbortSignal): AsyncIterable<readonly SourceItem[]> {
  const { component, params } = options.source
  if (options.items !== undefined) return options.items(position)
  if (component.generate !== undefined)
    return pulled((component.generate as (p: unknown, n: number) => Iterable<readonly SourceItem[]>)(params, position))
  const context: SourceContext = {
    clock: options.clock,
    random: options.random,
    position,
    endpoint: options.endpoint ?? (() => undefined),
    secret: secretOf,
    notice: options.notice,
  }
  const open = component.open as unknown as OpenSource<unknown>
  const opened = (given: SourceContext) => open(params, given)
  return pushed(options.opened?.(opened, context) ?? opened(context), options.clock, signal)
}

async function* pulled(items: Iterable<readonly SourceItem[]>): AsyncGenerator<readonly SourceItem[]> {
  for (const some of items) {
    yield some
    // sockets and leases get their turn
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** What a source pushes, in batches: what came while the last batch was written is the next. */
async function* pushed(
  opened: Observable<readonly SourceItem[]>,
  clock: Clock,
  signal: AbortSignal,
): AsyncGenerator<readonly SourceItem[]> {
  let waiting: SourceItem[] = []
  let [dropped, over] = [0, false]
  let failure: unknown
  let wake = () => {}
  const subscription = opened.subscribe({
    next(items) {
      if (waiting.length > MOST_WAITING) dropped += items.length
      else for (const item of items) waiting.push(item)
      wake()
    },
    error(error: unknown) {
      failure = error
      over = true
      wake()
    },
    complete() {
      over = true
      wake()
    },
  })
  const stop = () => wake()
  signal.addEventListener('abort', stop, { once: true })
  try {
    while (!signal.aborted && (waiting.length > 0 || !over)) {
      if (waiting.length === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
        continue
      }
      const taken = waiting
      waiting = []
      if (dropped > 0) taken.push(overflow(clock.now(), dropped))
      dropped = 0
      yield taken
      // the loop turns, and what is on the socket joins the next batch
      await new Promise((resolve) => setImmediate(resolve))
    }
  } finally {
    signal.removeEventListener('abort', stop)
    subscription.unsubscribe()
  }
  if (failure !== undefined) throw failure
}
const overflow = (at: number, missing: number): SourceItem => ({
  type: 'gap',
  at,
  key: WHOLE,
  value: { reason: 'stalled', missing, since: at },
})

/** Whether the source says the same again: a live one says what is new. */
const isRead = ({ source, items }: Pick<FeedOptions, 'source' | 'items'>): boolean =>
  items !== undefined || source.component.generate !== undefined

/** How many rows of its source a stream has had: all that its last message says, or nothing where there is none. */
function rowsOf({ source, items }: FeedOptions, stream: string, end: FoundEnd): number {
  const said = end.headers(ROWS)
  if (said !== '' || end.seq === 0) return Number(said)
  // a live feed asks only whether there were any; who begins where it stopped would begin with the first row again
  if (!isRead({ source, items })) return end.seq
  const why = end.forgotten
    ? `its ${end.seq} messages are gone, and with the last one`
    : 'its last message does not say'
  const remedy = 'delete the stream where the source may begin again; pipelines that read it need another name then'
  throw lost(stream, `${why} how far the source got, which would begin with its first row; ${remedy}`)
}
/** What a message must carry that somebody else puts behind the last one of a feed. */
export function sameProgress({ headers }: FoundEnd): Readonly<Record<string, string>> {
  return Object.fromEntries(
    [ROWS, BESIDE, ENDED].map((name) => [name, headers(name)] as const).filter(([, said]) => said !== ''),
  )
}

class FeedWriter {
  /** Rows of the source that are stored. */
  rows: number
  readonly ended: boolean
  private readonly source: PlannedSource
  private readonly parts: readonly {
    readonly publisher: Publisher
    readonly subject: string
    readonly rows: number
    readonly beside: number
    readonly ended: boolean
  }[]
  /** Per range, where its items that are no rows stand: behind which row, and which of them it is. */
  private readonly places: { seen: number; beside: number }[]
  /** Rows read again that some ranges hold already. */
  private seen: number

  private constructor(options: FeedOptions, parts: FeedWriter['parts']) {
    this.source = options.source
    this.parts = parts
    // a crash may have come between two ranges: what only some of them hold is read again, where it can be; rows of a
    // live feed are new ones, however far its streams are
    this.rows = (isRead(options) ? Math.min : Math.max)(...parts.map(({ rows }) => rows))
    this.seen = this.rows
    this.places = parts.map(() => ({ seen: this.rows, beside: 0 }))
    this.ended = parts.every(({ ended }) => ended)
  }

  static async open(options: FeedOptions): Promise<FeedWriter> {
    const { link, log, namespace, source, ranges, replicas } = options
    const name = feedName(source)
    const found = rangesOf(ranges).map(async (range: Range) => {
      const stream = layout.tick(name, range)
      await log.stream(stream)
      const end = await Publisher.endOf(link, streamOf(namespace, stream))
      return {
        ...{ end, stream: streamOf(namespace, stream) },
        subject: subjectOfLog(namespace, stream),
        rows: rowsOf(options, stream, end),
        beside: isRead(options) ? Number(end.headers(BESIDE) || 0) : 0,
        ended: end.headers(ENDED) !== '',
      }
    })
    // publishers follow the connection until they are closed: none is made before all ranges are known
    const parts = (await Promise.all(found)).map(({ end, stream, ...part }) => ({
      ...part,
      publisher: new Publisher(link, stream, end, replicas),
    }))
    return new FeedWriter(options, parts)
  }

  async write(items: readonly SourceItem[]): Promise<void> {
    const shares = this.parts.map(() => ({ items: [] as SourceItem[], seen: [] as number[], beside: [] as number[] }))
    const width = KEY_GROUPS / this.parts.length
    for (const item of items) {
      if (item.type === 'row') this.seen++
      for (const [p, { rows, beside, ended }] of this.parts.entries()) {
        const whole = item.type === 'end' || item.key === WHOLE
        // one range tells what happened to the whole feed
        if (whole && p > 0 && (item.type === 'invalid' || item.type === 'event')) continue
        if (!whole && Math.floor(keyGroup(item.key) / width) !== p) continue
        const place = this.places[p] as FeedWriter['places'][number]
        if (place.seen !== this.seen) Object.assign(place, { seen: this.seen, beside: 0 })
        if (item.type !== 'row') place.beside++
        // what the stream holds already: a row counts itself
        if (ended || this.seen < rows || (this.seen === rows && place.beside <= beside)) continue
        shares[p]?.items.push(item)
        shares[p]?.seen.push(this.seen)
        shares[p]?.beside.push(place.beside)
      }
    }
    for (const [p, { items, seen, beside }] of shares.entries()) {
      const { publisher, subject } = this.parts[p] as FeedWriter['parts'][number]
      let last = -1
      const messages = encodeItems(this.source, items).map((data) => {
        // a message tells of its own rows, not of those behind it: a crash may come between the two
        last += peekFrame(data).rows
        const ends = items[last]?.type === 'end'
        const told = { [ROWS]: String(seen[last]), [BESIDE]: String(beside[last]) }
        return { subject, data, headers: { ...told, ...(ends && { [ENDED]: '1' }) } }
      })
      await publisher.publish(messages)
    }
    this.rows = Math.max(this.rows, this.seen)
  }
  async flush(): Promise<void> {
    for (const { publisher } of this.parts) await publisher.flush()
  }
  close(): void {
    for (const { publisher } of this.parts) publisher.close()
  }
}
