import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { wallClock } from '../../runtime/clock.ts'
import { runPipeline } from '../../runtime/environment/run.ts'
import type { Binding } from '../../runtime/feed.ts'
import { openEmbeddedLog } from '../../runtime/log/embedded.ts'
import { plan as planOf } from '../../runtime/plan.ts'
import { replay } from '../../runtime/replay.ts'
import { openTape } from '../../runtime/tape.ts'
import { TidegateError } from '../../schemas/errors.ts'
import { toText } from '../../schemas/fixed.ts'
import type { Fill } from '../../schemas/orders.ts'
import { formatTime } from '../../schemas/units.ts'
import { Summary } from '../../sinks/summary.ts'
import { durationOption, wholeOption } from '../args.ts'
import { generated } from '../binding.ts'
import { loadDefinition } from '../definition.ts'
import { bar } from '../io.ts'
import { RunFiles, renderSummary } from '../run_report.ts'
import { stopper } from '../stopper.ts'
import type { Verb } from '../verb.ts'

const MINUTES = 240
const SHOWN = 6
/** What a shell expects of a command that Ctrl-C ended. */
const INTERRUPTED = 130

export const demoVerb: Verb = {
  name: 'demo',
  summary:
    'Shows the main job in under a minute: a market, the flagship pipeline, paper fills, and a replay that must match.',
  form: '[--tape TAPE | --live]',
  positionals: { min: 0, max: 0 },
  options: {
    tape: { type: 'string', value: 'TAPE', help: 'recorded trades instead of the synthetic market' },
    live: { type: 'boolean', help: "Binance's public trades, on paper: no key, no order leaves this machine" },
    for: { type: 'string', value: 'DURATION', help: 'how long a live demo lasts; 1m unless named' },
    seed: { type: 'string', value: 'N', help: 'another synthetic market' },
    out: {
      type: 'string',
      short: 'o',
      value: 'DIR',
      help: 'write report.json, fills.csv, equity.csv, equity.svg there',
    },
  },
  notes:
    'Everything runs on this machine: an embedded log in a temporary directory, no server, no key, no network (but for --live).',
  async run(args, { io, catalogue }) {
    const began = performance.now()
    const components = await catalogue()
    const tape = args.value('tape')
    const live = args.flags.has('live')
    if (tape !== undefined && live) throw new TidegateError('USAGE', 'demo: expected --tape or --live, found both')
    const [length, seed] = [durationOption(args, 'for') ?? 60e6, wholeOption(args, 'seed') ?? 1]
    const plan = planOf(await loadDefinition(flagship()), components, 'paper')
    const market = live ? 'binance (live, paper)' : (tape ?? 'synthetic_market')
    const bindings = new Map<string, Binding>()
    if (tape !== undefined) bindings.set('trades', { type: 'recording', recording: openTape(tape) })
    else if (!live)
      bindings.set('trades', generated(`synthetic_market{"minutes":${MINUTES},"seed":${seed}}`, components) as Binding)
    io.say(
      live
        ? `market: Binance, live; orders are filled on paper`
        : tape === undefined
          ? `market: synthetic_market, ${MINUTES} minutes of invented trades (seeded, calibrated on recorded ones; not real)`
          : `market: ${tape}, recorded`,
    )
    io.say(`pipeline: ${plan.pipeline}: ${plan.nodes.map((n) => n.id).join(' > ')}`)
    const out = args.value('out')
    const files = out === undefined ? undefined : new RunFiles(out)
    const stop = stopper(live ? length : undefined)
    const goOn = () => {
      if (stop.interrupted()) throw new Error('interrupted')
    }
    const directory = mkdtempSync(join(tmpdir(), 'tidegate-demo-'))
    const log = await openEmbeddedLog(join(directory, 'log'))
    try {
      const summary = new Summary()
      let shown = 0
      const result = await runPipeline(plan, {
        log,
        bindings,
        clock: wallClock,
        random: Math.random,
        speed: Number.POSITIVE_INFINITY,
        notice: (text) => io.say(text),
        signal: stop.signal,
        output(row) {
          summary.add(row)
          files?.add(row)
          if (row.kind !== 'fill' || shown++ >= SHOWN) return
          const { side, quantity, price, fee } = row.value as Fill
          io.say(
            `  ${formatTime(row.at)} ${row.key} ${side.padEnd(4)} ${toText(quantity)} at ${price.toFixed(2)}, fee ${toText(fee)}`,
          )
        },
        progress: (rows, at) =>
          io.progress(
            live
              ? `${rows} trades`
              : `${bar(tape === undefined ? (at / 6e7 - 1_704_067_200 / 60) / MINUTES : 0)} ${rows.toLocaleString('en')} trades, ${formatTime(at)}`,
          ),
      })
      if (shown > SHOWN) io.say(`  ... and ${shown - SHOWN} more fills`)
      goOn()
      io.say('replaying the log ...')
      const again = await replay(plan, log, {
        progress(rows) {
          goOn()
          io.progress(`replay: ${rows.toLocaleString('en')} trades`)
        },
      })
      const s = summary.result()
      const seconds = (performance.now() - began) / 1000
      const document = {
        market,
        ticks: result.ticks,
        orders: s.orders,
        fills: s.fills,
        pnl: s.pnl,
        equity: s.equity,
        outputs: again.outputs,
        outputs_sha256: again.committed_sha256,
        replay_sha256: again.replay_sha256,
        equal: again.equal,
        seconds,
      }
      const written = (await files?.close({ ...document, ...s })) ?? []
      io.document(document, () =>
        [
          renderSummary(`${plan.pipeline} on ${market}`, { ...s, ...result }),
          `  outputs    ${again.outputs.toLocaleString('en')} committed, sha256 ${again.committed_sha256}`,
          `  replay     ${again.equal ? 'equal: ' : 'DIFFERENT: '}sha256 ${again.replay_sha256}`,
          `  time       ${seconds.toFixed(1)} s`,
          ...written.map((f) => `  wrote      ${f}`),
        ].join('\n'),
      )
      if (!again.equal)
        throw new TidegateError('PARITY_BROKEN', `the replay differs, first at ${again.first_difference?.node}`, {
          ...again,
        })
      return undefined
    } catch (error) {
      if (!stop.interrupted()) throw error
      io.say('stopped')
      return INTERRUPTED
    } finally {
      stop.done()
      await log.close()
      rmSync(directory, { recursive: true, force: true })
    }
  },
}

/** The flagship definition, wherever this file runs from: the sources or the compiled package. */
function flagship(): string {
  const here = dirname(fileURLToPath(import.meta.url))
  const places = ['../../pipelines/btc_momentum.yaml', '../../../pipelines/btc_momentum.yaml'].map((place) =>
    join(here, place),
  )
  return places.find(existsSync) ?? (places[0] as string)
}
