import { subjectOfLog } from '../layout.ts'
import type { Log } from '../log.ts'
import type { Link } from './link.ts'
import { pause, reasonOf } from './patience.ts'
import { Records } from './records.ts'

export interface LettingGo {
  readonly link: Link
  readonly log: Log
  readonly namespace: string
  readonly replicas: number
}
/** How often who writes for long looks what is gone, in ms. */
const OFTEN = 3_600_000

/** Removes the bodies of records that these streams do not hold any more. Takes the right to purge. */
export async function letGo({ link, log, namespace, replicas }: LettingGo, names: readonly string[]): Promise<void> {
  const records = new Records(link, namespace, replicas)
  for (const name of names) {
    const stream = await log.open(name)
    const first = stream === undefined ? 1 : (await stream.state()).first
    if (first > 1) await records.release(subjectOfLog(namespace, name), first)
  }
}

/** Lets go now, and again and again until the signal aborts; settles after the first time. `kept` hears why it could not. */
export async function keepLettingGo(
  on: LettingGo,
  names: readonly string[],
  options: { readonly signal: AbortSignal; readonly kept: (reason: string) => void; readonly every?: number },
): Promise<void> {
  const { signal, kept, every = OFTEN } = options
  const done = () =>
    letGo(on, names).then(
      () => true,
      (error: unknown) => {
        if (!signal.aborted) kept(reasonOf(error))
        return false
      },
    )
  if (!(await done())) return
  void (async () => {
    do await pause(every, signal)
    while (!signal.aborted && (await done()))
  })()
}
