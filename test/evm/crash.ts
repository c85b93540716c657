import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Committed } from '../../runtime/define.ts'
import { journalDirectory } from '../../sinks/evm/open_executor.ts'
import { Book } from '../../sinks/execution/book.ts'
import { readFileJournal } from '../../sinks/execution/file_journal.ts'
import { byChance, type Chance, type Counts } from '../../testing/rpc_faults.ts'
import { type Ground, orderOf, paidOf, startGround } from './ground.ts'

export interface CrashOptions {
  readonly intents: number
  readonly kills: number
  readonly seed: number
  readonly mode: 'journaled' | 'naive'
  /** Whether blocks are taken back now and then, less deep than the confirmations. */
  readonly reorgs: boolean
  readonly progress?: (text: string) => void
}
export interface CrashResult {
  readonly mode: CrashOptions['mode']
  readonly intents: number
  readonly kills: number
  readonly at_boundaries: number
  readonly swaps: number
  /** Intents without a swap, and swaps beyond the first of an intent. */
  readonly lost: number
  readonly doubled: number
  /** Orders whose end in the journal is not what the chain says, and rows told more or less than once. */
  readonly untrue: number
  /** How many orders came to which end, by the journal, and how often a refusal was asked for again. */
  readonly ends: Readonly<Record<string, number>>
  readonly doubted: Readonly<Record<string, number>>
  readonly reorgs: number
  readonly sends: number
  readonly faulty_sends: number
  readonly seconds: number
  readonly counts: Counts
}

/** A quarter of what is sent and a tenth of what is asked goes wrong. */
const chances: readonly Chance[] = [
  { of: 'send', chance: 0.09, fault: { type: 'dies', when: 'before' } },
  { of: 'send', chance: 0.09, fault: { type: 'dies', when: 'after' } },
  { of: 'send', chance: 0.04, fault: { type: 'duplicate', answer: 'second' } },
  { of: 'send', chance: 0.04, fault: { type: 'duplicate', answer: 'first' } },
  { of: 'send', chance: 0.02, fault: { type: 'status', status: 503, when: 'before' } },
  { of: 'send', chance: 0.02, fault: { type: 'status', status: 500, when: 'after' } },
  { of: 'send', chance: 0.02, fault: { type: 'html', when: 'after' } },
  { of: 'send', chance: 0.01, fault: { type: 'status', status: 429, when: 'before' } },
  { of: 'send', chance: 0.01, fault: { type: 'hang', when: 'after' } },
  { of: 'nonce', chance: 0.03, fault: { type: 'wrong_nonce', by: 1 } },
  { of: 'nonce', chance: 0.02, fault: { type: 'wrong_nonce', by: -1 } },
  { of: 'read', chance: 0.03, fault: { type: 'stale', blocks: 2 } },
  { of: 'read', chance: 0.02, fault: { type: 'status', status: 503, when: 'before' } },
  { of: 'read', chance: 0.01, fault: { type: 'dies', when: 'before' } },
  { of: 'read', chance: 0.01, fault: { type: 'html', when: 'before' } },
  { of: 'read', chance: 0.005, fault: { type: 'hang', when: 'before' } },
]
const blockEvery = 100

/** Numbers from 0 to 1 that a seed decides (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

/** Trades with a process that is killed, over a node that fails, and counts what the chain and the journal say of it. */
export async function crash(options: CrashOptions): Promise<CrashResult> {
  const { intents, kills, mode } = options
  const random = seeded(options.seed)
  const ground = await startGround()
  const began = performance.now()
  const miner = mining(ground, options.reorgs ? random : undefined)
  const orders = Array.from({ length: intents }, (_, n) => orderOf(ground, n))
  const errors = openSync(join(ground.folder, 'errors.txt'), 'a')
  let [killed, at_boundaries, restarts] = [0, 0, 0]
  try {
    for (let round = 0; ; round++) {
      // the count of the chain is read once without faults: whoever begins on lies has nothing to check them by
      ground.proxy.meets = round === 0 ? () => undefined : byChance(chances, random)
      const boundary = mode === 'journaled' && killed < kills && random() < 0.5
      const dies_at = boundary && round > 0 ? 1 + Math.floor(random() * 40) : 0
      const task = taskOf(ground, mode, orders, { dies_at, dies: random() < 0.5 ? 'before' : 'after' })
      const child = start(mode, task, errors)
      const ended = once(child, 'exit')
      const watch = mode === 'naive' ? watchdog(child, () => restarts++) : undefined
      if (round === 0) {
        await Promise.race([once(child, 'message'), ended])
        ground.proxy.meets = byChance(chances, random)
      }
      if (killed < kills && dies_at === 0) {
        await Promise.race([once(child, 'message'), ended])
        await Promise.race([setTimeout(random() * 800), ended])
        child.kill('SIGKILL')
      }
      const [code, signal] = (await ended) as [number | null, string | null]
      clearInterval(watch)
      if (signal === 'SIGKILL') {
        killed++
        if (dies_at > 0) at_boundaries++
      } else if (code !== 0 && mode === 'journaled')
        throw new Error(
          `the process ended with ${code}: ${readFileSync(join(ground.folder, 'errors.txt'), 'utf8').slice(-2000)}`,
        )
      options.progress?.(`${killed} kills`)
      if (code === 0 || restarts === RESTARTS) break
    }
    await setTimeout(5 * blockEvery)
    const swaps = await ground.swaps()
    const per = new Map<bigint, number>()
    for (const { paid } of swaps) per.set(paid, (per.get(paid) ?? 0) + 1)
    const paid = orders.map((_, n) => paidOf(n))
    const { counts } = ground.proxy
    return {
      ...{ mode, intents, kills: killed, at_boundaries, swaps: swaps.length, reorgs: miner.reorgs(), counts },
      lost: paid.filter((amount) => !per.has(amount)).length,
      doubled: swaps.length - per.size,
      ends: mode === 'naive' ? {} : endsOf(bookOf(ground)),
      doubted: counted(
        readFileSync(join(ground.folder, 'errors.txt'), 'utf8').matchAll(/waits: (\w+), to be asked again/g),
      ),
      untrue:
        mode === 'naive'
          ? 0
          : untrue(
              ground,
              orders,
              swaps.map(({ transaction }) => transaction),
            ),
      sends: counts.sends,
      faulty_sends: counts.dropped_before + counts.dropped_after + counts.duplicates,
      seconds: (performance.now() - began) / 1000,
    }
  } finally {
    await miner.stop()
    await ground.close()
  }
}

/** Restarts of a bot that says nothing any more, after which it is left. */
const RESTARTS = 10
const SILENT_MS = 10_000
/** Ends a bot that hangs, as whoever runs it would. */
function watchdog(child: ChildProcess, restarted: () => void): NodeJS.Timeout {
  let heard = performance.now()
  child.on('message', () => {
    heard = performance.now()
  })
  return setInterval(() => {
    if (performance.now() - heard < SILENT_MS) return
    heard = Number.POSITIVE_INFINITY
    restarted()
    child.kill('SIGTERM')
  }, 500)
}

function bookOf(ground: Ground): Book {
  const of = { chain: `eip155:${ground.anvil.chain_id}`, signer: ground.account }
  const directory = journalDirectory((name) => ground.environment[name], of)
  const book = new Book()
  for (const entry of readFileJournal(directory)?.entries ?? []) book.add(entry)
  return book
}
const endsOf = (book: Book): Record<string, number> =>
  counted(
    [...book.all()].map(({ last }) => ['', 'code' in last ? `${last.type} ${last.code ?? ''}`.trim() : last.type]),
  )
function counted(words: Iterable<readonly (string | undefined)[]>): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const [, word = ''] of words) counts[word] = (counts[word] ?? 0) + 1
  return counts
}

/** Orders that the journal ends otherwise than the chain, and answers that were not told exactly once. */
function untrue(ground: Ground, orders: readonly Committed[], transactions: readonly string[]): number {
  const book = bookOf(ground)
  const answers = readFileSync(join(ground.folder, 'answers.jsonl'), 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as { port: string; value: { transaction?: string; step?: string } })
  const wrong = orders.filter(({ id }) => {
    const order = book.get(id)
    const hash = order?.attempts[(order.inclusion?.attempt ?? 0) - 1]?.hash
    const swapped = hash !== undefined && transactions.includes(hash)
    return order === undefined || (order.life.phase === 'settled') !== swapped
  })
  const settled = answers.filter(({ port, value }) => port === 'step' && value.step === 'settled')
  const fills = answers.filter(({ port }) => port === 'fill')
  const ended = [...book.all()].filter(({ life }) => life.phase === 'settled').length
  return wrong.length + Math.abs(settled.length - ended) + Math.abs(fills.length - transactions.length)
}

function taskOf(
  ground: Ground,
  mode: CrashOptions['mode'],
  orders: readonly Committed[],
  dying: { readonly dies_at: number; readonly dies: 'before' | 'after' },
): string {
  const file = join(ground.folder, 'task.json')
  const { folder, environment, uniswap, wallet, proxy } = ground
  const own =
    mode === 'journaled'
      ? { environment, params: ground.params(), orders, every: 15, ...dying }
      : {
          ...{ http: proxy.http, key: wallet.privateKey, router: uniswap.v2.router.address },
          path: uniswap.tokens.map(({ address }) => address),
          orders: orders.map(({ id }, n) => ({ id, paid: paidOf(n).toString() })),
        }
  writeFileSync(file, JSON.stringify({ folder, ...own }))
  return file
}

function start(mode: CrashOptions['mode'], task: string, errors: number): ChildProcess {
  const script = fileURLToPath(new URL(mode === 'journaled' ? 'child.ts' : 'naive_child.ts', import.meta.url))
  return fork(script, [task], { execArgv: ['--import', 'tsx'], stdio: ['ignore', 'ignore', errors, 'ipc'] })
}

/** Blocks at a steady pace; with chance, one or two of them are taken back now and then. */
function mining(ground: Ground, random: (() => number) | undefined) {
  let state: 'on' | 'off' = 'on'
  let reorgs = 0
  const run = async () => {
    while (state === 'on') {
      await setTimeout(blockEvery)
      if (random !== undefined && random() < 0.03) {
        await ground.proxy.reorg(1 + Math.floor(random() * 2), { returns: random() < 0.7 })
        reorgs++
      }
      await ground.proxy.mine()
    }
  }
  const ended = run()
  return {
    reorgs: () => reorgs,
    stop: () => {
      state = 'off'
      return ended
    },
  }
}
