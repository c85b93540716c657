import type { Observable } from 'rxjs'
import { wallClock } from '../runtime/clock.ts'
import type { SourceContext, SourceItem } from '../runtime/connect.ts'

export type ItemOf<T extends SourceItem['type']> = SourceItem & { readonly type: T }

export interface FollowedFeed {
  /** Everything told, in order. */
  readonly items: readonly SourceItem[]
  readonly of: <T extends SourceItem['type']>(type: T) => readonly ItemOf<T>[]
  readonly errors: readonly unknown[]
  readonly notices: readonly string[]
  /** Waits until something holds; it is looked at whenever something was told. */
  readonly until: (done: () => boolean) => Promise<void>
  readonly stop: () => void
}

/** Opens a source on addresses of this machine, gathers what it tells, and waits for it. */
export function followFeed(
  open: (context: SourceContext) => Observable<readonly SourceItem[]>,
  endpoints: Readonly<Record<string, string>>,
  context: Partial<SourceContext> = {},
): FollowedFeed {
  const items: SourceItem[] = []
  const errors: unknown[] = []
  const notices: string[] = []
  let look = () => {}
  const subscription = open({
    clock: wallClock,
    random: () => 0.5,
    position: 0,
    endpoint: (name) => endpoints[name],
    notice: (text) => {
      notices.push(text)
      look()
    },
    ...context,
  }).subscribe({
    next: (more) => {
      items.push(...more)
      look()
    },
    error: (error) => {
      errors.push(error)
      look()
    },
  })
  return {
    items,
    errors,
    notices,
    of: <T extends SourceItem['type']>(type: T) => items.filter((item): item is ItemOf<T> => item.type === type),
    until: (done) =>
      new Promise<void>((resolve) => {
        look = () => done() && resolve()
        look()
      }),
    stop: () => subscription.unsubscribe(),
  }
}
