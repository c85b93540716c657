import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { z } from 'zod'
import { wallClock } from '../../runtime/clock.ts'
import type { Committed, ExecutorAnswer } from '../../runtime/define.ts'
import { journalDirectory, openExecutor } from '../../sinks/evm/open_executor.ts'
import { evmSwapParams } from '../../sinks/evm/params.ts'
import { Book } from '../../sinks/execution/book.ts'
import { readFileJournal } from '../../sinks/execution/file_journal.ts'
import type { OpenedJournal } from '../../sinks/execution/journal.ts'

// A process that trades: it is given orders one by one, and killed. What it says of them goes into a file, as it would
// into a log.

const Task = z.object({
  folder: z.string(),
  environment: z.record(z.string(), z.string()),
  params: z.unknown(),
  orders: z.array(z.unknown()),
  /** ms from one new order to the next. */
  every: z.number(),
  /** The append at which it dies, before or after it is on disk; 0 for never. */
  dies_at: z.int(),
  dies: z.enum(['before', 'after']),
})
const task = Task.parse(JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')))
const orders = task.orders as readonly Committed[]
const params = evmSwapParams.parse(task.params)
const journal = journalDirectory((name) => task.environment[name], {
  chain: `eip155:${params.chain_id}`,
  signer: params.signer.address,
})
const log = join(task.folder, 'answers.jsonl')
const held = existsSync(log)
  ? readFileSync(log, 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => (JSON.parse(line) as ExecutorAnswer).port)
  : []

const die = () => process.kill(process.pid, 'SIGKILL')
function deadly({ journal, entries }: OpenedJournal): OpenedJournal {
  let appends = 0
  return {
    entries,
    journal: {
      append: async (added) => {
        const last = ++appends === task.dies_at
        if (last && task.dies === 'before') die()
        await journal.append(added)
        if (last) die()
      },
      close: () => journal.close(),
    },
  }
}

const executor = await openExecutor(
  params,
  {
    ...{ pipeline: 'crash', node: 'execute', run: 'crash', clock: wallClock, random: Math.random },
    held: (port) => held.filter((p) => p === port).length,
    endpoint: () => undefined,
    secret: (name) => task.environment[name],
    notice: (text) => process.stderr.write(`${text}\n`),
  },
  { journal: deadly },
)
const plain = (_: string, value: unknown) => (typeof value === 'bigint' ? value.toString() : value)
let rejectEnd = (_: unknown) => {}
const failed = new Promise<never>((_, reject) => {
  rejectEnd = reject
})
executor.answers.subscribe({
  next: (answers) => {
    appendFileSync(log, answers.map((answer) => `${JSON.stringify(answer, plain)}\n`).join(''))
    process.send?.({ answers: answers.length })
  },
  error: rejectEnd,
})
/** Orders of the journal, and whether each has ended. */
const journaled = () => {
  const book = new Book()
  for (const entry of readFileJournal(journal)?.entries ?? []) book.add(entry)
  return book
}
const known = new Set([...journaled().all()].map(({ intent }) => intent.id))
await executor.take(orders.filter(({ id }) => known.has(id)))
const feed = async () => {
  for (const order of orders) {
    if (known.has(order.id)) continue
    await executor.take([order])
    await setTimeout(task.every)
  }
  while (journaled().open().length > 0) await setTimeout(100)
}
await Promise.race([feed(), failed])
await executor.close()
process.send?.({ done: true })
process.disconnect?.()
