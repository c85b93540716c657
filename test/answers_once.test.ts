import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { NEVER, of as these } from 'rxjs'
import { concatWith } from 'rxjs/operators'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { operators } from '../operators/catalogue.ts'
import { wallClock } from '../runtime/clock.ts'
import {
  type Committed,
  defineOperator,
  defineSink,
  defineSource,
  type ExecutorContext,
  listed,
  type OpenedExecutor,
} from '../runtime/define.ts'
import { runPipeline } from '../runtime/environment/run.ts'
import { openEmbeddedLog } from '../runtime/log/embedded.ts'
import { type Mode, plan as planOf } from '../runtime/plan.ts'
import type { CrashPoint } from '../runtime/stage.ts'
import { Trade } from '../schemas/market.ts'
import { ApprovedOrder, Fill, OrderIntent, OrderStep, OrderUpdate } from '../schemas/orders.ts'
import { trade } from '../schemas/samples.ts'
import type { OrderEvent } from '../sinks/execution/entry.ts'
import { openFileJournal } from '../sinks/execution/file_journal.ts'
import { Ledger } from '../sinks/execution/ledger.ts'
import {
  includedOf,
  planned,
  receivedOf,
  sample_journal,
  signedOf,
  simulated,
} from '../sinks/execution/sample_entries.ts'

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tidegate-answers-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

const none = z.strictObject({})
const settling: readonly OrderEvent[] = [
  ...[planned, simulated, signedOf(0)],
  { type: 'sent', attempt: 1, endpoint: 'a', outcome: 'accepted', code: '', block: 100 },
  ...([includedOf(1), { type: 'final', head: 112 }, { type: 'settled' }] as const),
]

/** Settles each order at once: its answers are all in the journal before the log holds one. */
async function openDesk(_: unknown, { run, pipeline, node, held, clock }: ExecutorContext): Promise<OpenedExecutor> {
  const of = { run, pipeline, node }
  const units = { base_decimals: 18, quote_decimals: 6, coin: 'neither' } as const
  const opened = openFileJournal(join(directory, 'journal'), sample_journal)
  const ledger = new Ledger({ opened, signer: sample_journal.signer, of, unitsOf: () => units, held, clock })
  return {
    answers: ledger.answers,
    close: () => ledger.close(),
    async take(rows) {
      for (const { id, key, at, ordinal } of rows)
        if (ledger.book.get(id) === undefined)
          await ledger.note(id, [receivedOf(id, { ...of, key, at, ordinal }), ...settling])
    },
  }
}
const components = {
  operators: {
    ...operators,
    ...listed(
      defineOperator({
        ...{ name: 'first', version: 1, summary: 'Buys at the first trade.', input: { trade: Trade }, params: none },
        ...{ output: OrderIntent, init: () => ({ seen: 0 }), example: { params: {}, input: [], output: [] } },
        on: {
          trade: (state: { seen: number }, { price }) =>
            state.seen++ === 0 ? { side: 'buy' as const, quantity: 1, limit: 0, price } : undefined,
        },
      }),
    ),
  },
  sources: listed(
    defineSource({
      ...{ name: 'one_trade', version: 1, summary: 'One trade, and then silence.', output: Trade, params: none },
      open: (_, { position }) =>
        these(position > 0 ? [] : [{ type: 'row' as const, ...trade(1, 100) }]).pipe(concatWith(NEVER)),
      example: { params: {} },
    }),
  ),
  sinks: listed(
    defineSink({
      ...{ name: 'desk', version: 1, summary: 'Settles at once.', input: { order: ApprovedOrder }, params: none },
      ...{ output: { order: OrderUpdate, fill: Fill, step: OrderStep }, execute: openDesk, example: { params: {} } },
      simulate: defineOperator({
        ...{ name: 'desk_twin', version: 1, summary: 'Takes orders.', input: { order: ApprovedOrder }, params: none },
        output: { order: OrderUpdate, fill: Fill, step: OrderStep },
        ...{ init: () => ({ taken: 0 }), example: { params: {}, input: [], output: [] } },
        on: {
          order: (state: { taken: number }) => {
            state.taken++
            return undefined
          },
        },
      }),
    }),
  ),
}
const definition = {
  pipeline: 'once',
  nodes: {
    trades: { source: 'one_trade' },
    first: { op: 'first', from: 'trades' },
    gate: { op: 'pass_gate', from: 'first' },
    execute: { sink: 'desk', from: 'gate' },
  },
}

/** Runs until it dies at the n-th passing of a point, or for a moment; gives what is committed. */
async function live(point?: CrashPoint, times = 1, mode: Mode = 'live'): Promise<readonly Committed[]> {
  const log = await openEmbeddedLog(join(directory, 'log'))
  const rows: Committed[] = []
  const stop = new AbortController()
  let passed = 0
  const cancel = wallClock.after(300_000, () => stop.abort())
  try {
    await runPipeline(planOf(definition, components, mode), {
      ...{ log, bindings: new Map(), clock: wallClock, random: Math.random, speed: 1, signal: stop.signal },
      output: (row) => rows.push(row),
      probe: (at) => {
        if (at === point && ++passed === times) throw new Error('it died')
      },
    }).catch((error: Error) => {
      if (error.message !== 'it died') throw error
    })
  } finally {
    cancel()
    await log.close()
  }
  return rows
}

test.each([
  ...(['before_ingest', 'after_ingest', 'before_commit'] as const).flatMap((point) =>
    [2, 3, 5].map((times) => [point, times] as const),
  ),
  ['after_commit', 2],
  ['before_deliver', 2],
] as const)('answers reach the pipeline once, dead at %s for the %sth time', async (point, times) => {
  await live(point, times)
  await live(point, 1)
  const rows = await live()
  const of = (edge: string) => rows.filter((row) => row.edge === edge).map(({ value }) => value)
  expect(of('execute.fill')).toHaveLength(1)
  expect(of('execute.order').map((value) => (value as OrderUpdate).state)).toEqual([
    ...['accepted', 'filled', 'cancelled'],
  ])
  expect(of('execute.step').map((value) => (value as OrderStep).step)).toEqual([
    'received',
    ...settling.map(({ type }) => type),
  ])
})

test.each([
  ['paper', 'live'],
  ['live', 'paper'],
] as const)('what was %s does not go on as %s', async (before, after) => {
  await live(undefined, 1, before)
  await expect(live(undefined, 1, after)).rejects.toMatchObject({ code: 'LIVE_REFUSED' })
})
