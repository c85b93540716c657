import { followFeed } from './follow_feed.ts'

export interface FollowOptions {
  readonly position?: number
  /** Addresses by name, as `--endpoint` gives them. */
  readonly names?: Readonly<Record<string, string>>
}

/** A followed feed whose rows are of one kind, and which fails a wait when it fails itself. */
export function followSource<V>(
  open: Parameters<typeof followFeed>[0],
  { position = 0, names = {} }: FollowOptions = {},
) {
  const feed = followFeed(open, names, { position })
  const until = async (done: () => boolean) => {
    await feed.until(() => done() || feed.errors.length > 0)
    if (!done()) throw feed.errors[0]
  }
  return {
    ...feed,
    until,
    rows: () => feed.of('row').map(({ key, at, value }) => ({ key, at, ...(value as V) })),
    gaps: () => feed.of('gap').map(({ key, value }) => ({ key, ...value })),
    events: () => feed.of('event').map(({ value }) => value),
    reasons: () => feed.of('invalid').map(({ value }) => value.reason),
  }
}
