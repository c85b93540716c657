import { wallClock } from '../runtime/clock.ts'
import type { SourceContext, SourceItem } from '../runtime/define.ts'

type Item<T extends SourceItem['type']> = SourceItem & { readonly type: T }
interface Opened {
  subscribe(hears: { next: (items: readonly SourceItem[]) => void; error: (error: unknown) => void }): {
    unsubscribe(): void
  }
}
export interface FollowOptions {
  readonly position?: number
  /** Addresses by name, as `--endpoint` gives them. */
  readonly names?: Readonly<Record<string, string>>
}

/** Opens a source, gathers what it says, and waits for it. */
export function followSource<V>(open: (context: SourceContext) => Opened, options: FollowOptions = {}) {
  const items: SourceItem[] = []
  const errors: unknown[] = []
  const notices: string[] = []
  let look = () => {}
  const context: SourceContext = {
    clock: wallClock,
    random: () => 0.5,
    position: options.position ?? 0,
    endpoint: (name) => options.names?.[name],
    notice: (text) => void notices.push(text),
  }
  const subscription = open(context).subscribe({
    next: (more) => {
      items.push(...more)
      look()
    },
    error: (error) => {
      errors.push(error)
      look()
    },
  })
  /** Waits for what is to come; a source that fails meanwhile fails the wait. */
  const until = (done: () => boolean) =>
    new Promise<void>((resolve, reject) => {
      look = () => {
        if (done()) resolve()
        else if (errors.length > 0) reject(errors[0])
      }
      look()
    })
  const of = <T extends SourceItem['type']>(type: T) => items.filter((item) => item.type === type) as Item<T>[]
  return {
    items,
    errors,
    notices,
    until,
    of,
    rows: () => of('row').map(({ key, at, value }) => ({ key, at, ...(value as V) })),
    gaps: () => of('gap').map(({ key, value }) => ({ key, ...value })),
    events: () => of('event').map(({ value }) => value),
    reasons: () => of('invalid').map(({ value }) => value.reason),
    stop: () => subscription.unsubscribe(),
  }
}
