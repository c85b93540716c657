import type { Seams } from '../../sinks/evm/open_executor.ts'
import type { Entry } from '../../sinks/execution/entry.ts'

/** Ends as soon as an append is on disk: any, or one with an event of that type. */
export const diesAfter = (type?: Entry['event']['type']): Seams => ({
  journal: ({ entries, journal }) => ({
    entries,
    journal: {
      close: () => journal.close(),
      async append(group) {
        await journal.append(group)
        if (type === undefined || group.some(({ event }) => event.type === type)) throw new Error('it died')
      },
    },
  }),
})
