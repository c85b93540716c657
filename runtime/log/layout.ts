/**
 * Every stream, subject and bucket there is, with what it keeps and for how long. `NS` is `live`, `paper` or `bt-RUN`.
 *
 * | what | stream | subjects | keeps |
 * |---|---|---|---|
 * | ticks of a feed | `NS-tick-FEED[-R]` | `NS.tick.FEED[.R]` | frames of 1 to some hundred rows, 20 to 60 B a row: 7 days |
 * | inputs of a `run` | `NS-inputs-PIPELINE` | `NS.inputs.PIPELINE` | as ticks, for ever |
 * | commits of a `run` | `NS-run-PIPELINE` | `NS.run.PIPELINE` | as commits: what is deployed under the same name has others |
 * | commits | `NS-stage-PIPELINE[-R]` | `NS.stage.PIPELINE[.R]` | positions, outputs, state: 0.3 to 60 KB a commit, for ever |
 * | commits of a shadow | `NS-shadow-PIPELINE[-R]` | `NS.shadow.PIPELINE[.R]` | as commits, until the shadow is dropped |
 * | signals | `NS-sig-PIPELINE` | `NS.sig.PIPELINE.NODE.VENUE.SYMBOL` | one JSON message each, about 400 B, for ever |
 * | orders | `NS-ord` | `NS.ord.ACCOUNT.VENUE.ORDER` | one message per subject, for ever; a second one is refused |
 * | fills | `NS-fill` | `NS.fill.ACCOUNT.VENUE.FILL` | as orders |
 * | events and the audit | `NS-evt` | `NS.evt.PIPELINE.EVENT` | 30 days |
 * | dead letters | `NS-dlq` | `NS.dlq.PIPELINE.STREAM.SEQ` | 90 days |
 * | definitions | bucket `NS-definitions` | `PIPELINE.vN`, `PIPELINE.current`, `PIPELINE.savepoint.NAME` | 32 versions of a key, for ever |
 * | leases, workers | bucket `NS-leases` | `task.NAME`, `worker.NAME`, `refused.PIPELINE.WORKER` | 2 s after the last renewal |
 * | large records | `NS-records` | `NS.records.SUBJECT.PLACE.WRITER.APPEND.PIECE` | bodies of records that do not fit a message, in pieces: as long as the record; those of commits that were purged go with the next `deploy`, of a `run` within the hour |
 *
 * `R` is `pofN`: range p of N of the 64 key groups, left out where there is one range.
 */
export const layout = {
  tick: (feed: string, range: Range = WHOLE) => `tick.${feed}${suffix(range)}`,
  inputs: (pipeline: string) => `inputs.${pipeline}`,
  run: (pipeline: string) => `run.${pipeline}`,
  stage: (pipeline: string, range: Range = WHOLE) => `stage.${pipeline}${suffix(range)}`,
  shadow: (pipeline: string, range: Range = WHOLE) => `shadow.${pipeline}${suffix(range)}`,
  signals: (pipeline: string) => `sig.${pipeline}`,
  events: 'evt',
  deadLetters: 'dlq',
  orders: 'ord',
  fills: 'fill',
} as const

/** A range of key groups: part `part` of `of` equal parts. */
export interface Range {
  readonly part: number
  readonly of: number
}
export const WHOLE: Range = { part: 0, of: 1 }
export const suffix = ({ part, of }: Range): string => (of === 1 ? '' : `.${part}of${of}`)

/** A part of a name, as a token of a subject: NATS gives these characters a meaning, and none may be empty. */
const token = (text: string): string => (text === '' ? '%' : encodeURIComponent(text).replaceAll('*', '%2A'))
/** The subject of a log stream. */
export const subjectOfLog = (namespace: string, name: string): string =>
  [namespace, ...name.split('.').map(token)].join('.')
/**
 * The name of a JetStream stream; `-` parts it, so one in a name is written in code. The mark of a code is `=`: servers
 * put the name through a formatter that takes `%` for its own, and what they then send ends the connection.
 */
export const streamOf = (namespace: string, name: string): string =>
  [namespace, ...name.split('.').map((part) => token(part).replaceAll('-', '%2D').replaceAll('%', '='))].join('-')
export const bucketOf = (namespace: string, what: 'definitions' | 'leases'): string => `${namespace}-${what}`

export interface Retention {
  /** Seconds; 0 for ever. */
  readonly age: number
  /** What happens when a limit that an operator set is reached: the oldest goes, or nothing more is taken. */
  readonly full: 'old' | 'new'
  readonly onePerSubject?: boolean
}
const day = 86_400
/**
 * No limits of bytes: a server sets room aside for them, and refuses the next stream when the sum passes its disk. An
 * operator who knows the disk sets them, and they are kept.
 */
const retentions: Readonly<Record<string, Retention>> = {
  tick: { age: 7 * day, full: 'old' },
  inputs: { age: 0, full: 'new' },
  run: { age: 0, full: 'new' },
  // never by age: a pipeline that slept would find its state gone
  stage: { age: 0, full: 'new' },
  shadow: { age: 0, full: 'new' },
  // the newest signal says how far they got: it must stay
  sig: { age: 0, full: 'old' },
  ord: { age: 0, full: 'new', onePerSubject: true },
  fill: { age: 0, full: 'new', onePerSubject: true },
  evt: { age: 30 * day, full: 'old' },
  dlq: { age: 90 * day, full: 'old' },
}
/** How long a log stream keeps what it holds. */
export const retentionOf = (name: string): Retention =>
  retentions[name.split('.')[0] as string] ?? { age: 0, full: 'new' }
