import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { letterSubject } from '../runtime/cluster/dead_letters.ts'
import { provideDeadLetters } from '../runtime/cluster/provide.ts'
import { openLink } from '../runtime/log/jetstream/link.ts'
import { openJetStreamLog } from '../runtime/log/jetstream/log.ts'
import { Records } from '../runtime/log/jetstream/records.ts'
import { layout, streamOf, subjectOfLog } from '../runtime/log/layout.ts'
import { tradeFrames } from '../sources/binance/frames.ts'
import { NatsServer, natsServerBinary } from '../testing/nats_server.ts'
import { startVenue } from '../testing/venue_server.ts'
import { captured } from './describe/captured.ts'

const binary = natsServerBinary()
const flagship = fileURLToPath(new URL('../pipelines/btc_momentum.yaml', import.meta.url))
const set = ['bars.every=1s', 'account.every=1s', 'trend.span=5', 'above.warm_up=5'].flatMap((s) => ['--set', s])

/** A market of five minutes, written by hand: prices that wave around 100. */
const rows = Array.from({ length: 3000 }, (_, i) => ({
  at: 1_700_000_000_000_000 + i * 100_000,
  key: 'binance:BTCUSDT',
  price: 100 + Math.round(300 * Math.sin(i / 90)) / 100,
  size: 1 + (i % 7),
  side: i % 2 ? 1 : -1,
  id: i + 1,
}))

describe.skipIf(binary === undefined)('the verbs on a nats-server (apt-get install nats-server)', () => {
  let server: NatsServer
  let directory = ''
  const at = (name: string) => join(directory, name)
  const run = async (verb: string, ...argv: string[]) => {
    const { code, json, lines, stderr } = await captured([verb, ...argv, '--nats', server.url, '--json'])
    return {
      code,
      said: stderr,
      document: () => json<Record<string, never>>(),
      lines: () => lines<Record<string, never>>(),
    }
  }
  const refused = async (...argv: [string, ...string[]]) => {
    const { code: exit, document } = await run(...argv)
    return { exit, ...(document() as unknown as { error: { code: string; message: string } }).error }
  }
  const work = (seconds: number, name = 'w') => run('worker', '--name', name, '--for', `${seconds}s`)
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'tidegate-cluster-'))
    server = await NatsServer.start({ binary: binary as string })
    writeFileSync(at('trades.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
    expect((await captured(['import', 'jsonl_trades', at('trades.jsonl'), '-o', at('trades.tape')])).code).toBe(0)
  })
  afterAll(async () => {
    await server?.stop()
    rmSync(directory, { recursive: true, force: true })
  })

  test('where nothing is deployed, tap and lag say so', async () => {
    expect(await refused('tap', 'above')).toMatchObject({
      exit: 3,
      code: 'PIPELINE_UNKNOWN',
      message: 'no pipeline with a node "above": nothing is deployed',
    })
    expect((await captured(['lag', '--nats', server.url])).stdout).toBe('nothing is deployed\n')
  })

  test('what is recorded onto the server can be kept as raw frames too, and read again to the same rows', async () => {
    const venue = await startVenue({
      frames: tradeFrames(200, 'XRPUSDT'),
      rate: 1000,
      faults: [{ type: 'drop', after: 100 }],
    })
    const source = [
      'binance_trades',
      '--params',
      '{"symbols":["XRPUSDT"]}',
      '--endpoint',
      `binance_trades=${venue.url}`,
    ]
    const recorded = await run('record', ...source, '--raw', at('raw'), '--for', '4s')
    await venue.close()
    expect(recorded.document()).toMatchObject({ feeds: [{ source: 'binance_trades', rows: 200 }] })
    const again = await captured(['import', 'raw', at('raw'), '-o', at('again.tape'), '--json'])
    expect(again.json()).toMatchObject({ kinds: { trade: 200, gap: 1 }, keys: ['*', 'binance:XRPUSDT'] })
  })

  test('deploy, record, worker, signals: what comes out is what a backtest gives', async () => {
    expect((await run('deploy', flagship, ...set)).document()).toMatchObject({ version: 1, live: true })
    const recorded = await run('record', flagship, '--tape', at('trades.tape'), '--speed', 'max')
    expect(recorded.document()).toMatchObject({ feeds: [{ rows: 3000, ended: true }] })
    // before anything is committed
    const waiting = (await run('lag')).document()['lags'] as unknown as {
      taken: number
      last: number
      records: number
    }[]
    expect(waiting).toHaveLength(1)
    expect(waiting[0]).toMatchObject({ taken: 0, records: waiting[0]?.last })
    expect(waiting[0]?.last).toBeGreaterThan(1)
    expect(await refused('savepoint', 'btc_momentum', 'early')).toMatchObject({ exit: 2, code: 'USAGE' })
    expect((await run('parity', 'btc_momentum', '--log', 'jetstream')).document()).toMatchObject({ records: 0 })
    expect(await refused('dlq', 'ls', 'nobody')).toMatchObject({ code: 'PIPELINE_UNKNOWN' })
    expect((await work(8)).code).toBe(0)
    const backtest = (await captured(['backtest', flagship, '--tape', at('trades.tape'), ...set, '--json'])).json<{
      outputs_sha256: string
      signals: number
    }>()
    const parity = (await run('parity', 'btc_momentum', '--log', 'jetstream')).document()
    expect(parity).toMatchObject({ equal: true, committed_sha256: backtest.outputs_sha256 })
    const replayed = (await run('replay', flagship, '--log', 'jetstream', ...set)).document()
    expect(replayed).toMatchObject({ outputs_sha256: backtest.outputs_sha256, ticks: 3000 })
    const publishing = ['replay', flagship, '--log', 'jetstream', ...set, '--publish', 'first'] as const
    expect((await run(...publishing)).document()).toMatchObject({ published: backtest.signals })
    const said = async (namespace: string) =>
      (await run('signals', 'btc_momentum', '--namespace', namespace, '--all', '--for', '1s'))
        .lines()
        .map(({ id, value }) => ({ id, value }))
    expect(await said('bt_first')).toEqual(await said('paper'))
    expect(await refused(...publishing)).toMatchObject({ exit: 2, code: 'USAGE' })
    const all = await run('signals', 'btc_momentum', '--all', '--limit', String(backtest.signals), '--for', '30s')
    expect(all.lines()).toHaveLength(backtest.signals)
    expect(all.lines()[0]).toMatchObject({ pipeline: 'btc_momentum', schema: 'tidegate/signal/v1', seq: 1 })
    const [first] = (await run('tap', 'above', '--all', '--limit', '1')).lines()
    expect(first).toMatchObject({ edge: 'above' })
  })

  test('a later version waits, is compared, promoted and taken back', async () => {
    const changed = [...set, '--set', 'trend.span=9']
    const diff = (await run('diff', flagship, ...changed)).document()
    expect(diff).toMatchObject({ same: false })
    expect((await run('deploy', flagship, ...changed)).document()).toMatchObject({ version: 2, live: false })
    expect((await run('deploy', flagship, ...changed)).document()).toMatchObject({ version: 2, added: false })
    expect((await run('deploy', flagship, ...set)).document()).toMatchObject({ version: 1, added: false, live: true })
    expect((await run('shadow', 'btc_momentum', '--detach')).document()).toMatchObject({
      pointer: { shadow: { version: 2 } },
    })
    expect((await run('savepoint', 'btc_momentum', 'before')).document()).toMatchObject({
      savepoints: [{ name: 'before', version: 1 }],
    })
    const parity = async () =>
      (await captured(['parity', 'btc_momentum', '--log', 'jetstream', '--nats', server.url])).stdout.trim()
    const { records } = (await run('parity', 'btc_momentum', '--log', 'jetstream')).document()
    const of = `${records} input records, all equal`
    expect(await parity()).toMatch(new RegExp(`${of} \\(sha256 [0-9a-f]+\\)$`))
    const [
      {
        ranges: [{ commits }],
      },
    ] = (await run('status')).document()['pipelines'] as unknown as [{ ranges: [{ commits: number }] }]
    expect((await run('promote', 'btc_momentum')).document()).toMatchObject({ from: 1, to: 2 })
    const nothing = (passed: number) =>
      `btc_momentum: this version has taken nothing yet; ${passed} commits were not compared: they are of other versions, took nothing, or their inputs were let go`
    expect(await parity()).toBe(nothing(commits))
    // the state there is, and what a savepoint names, is of the version before
    expect(await refused('savepoint', 'btc_momentum', 'between')).toMatchObject({ exit: 2, code: 'USAGE' })
    for (const verb of ['replay', 'parity'])
      expect((await run(verb, 'btc_momentum', '--log', 'jetstream', '--savepoint', 'before')).document()).toMatchObject(
        { equal: true, commits: { from: commits + 1 } },
      )
    await work(6)
    expect(await parity()).toBe(nothing(commits + 1))
    expect((await run('status')).document()).toMatchObject({
      pipelines: [{ pipeline: 'btc_momentum', ranges: [{ epoch: 2 }] }],
    })
    expect((await run('rollback', 'btc_momentum')).document()).toMatchObject({ from: 2, to: 1 })
    expect(await parity()).toContain(`${of} (`)
    expect(await parity()).toMatch(
      /; 1 commit was not compared: it is of another version, took nothing, or its inputs were let go$/,
    )
    expect((await run('lag')).document()).toMatchObject({ lags: [{ records: 0 }] })
  })

  test('pause, resume and drain', async () => {
    expect((await run('pause', 'btc_momentum')).document()).toMatchObject({ pointer: { state: 'paused' } })
    expect((await run('resume', 'btc_momentum')).document()).toMatchObject({ pointer: { state: 'running' } })
    const working = work(8)
    expect((await run('drain', 'btc_momentum')).document()).toMatchObject({ pointer: { state: 'drained' } })
    await working
  })

  test('a drain does not take back what somebody decided meanwhile', async () => {
    const apart = ['--namespace', 'apart'] as const
    await run('deploy', flagship, ...set, ...apart)
    await run('record', flagship, '--tape', at('trades.tape'), '--speed', 'max', ...apart)
    const draining = refused('drain', 'btc_momentum', ...apart)
    await new Promise((resolve) => setTimeout(resolve, 1000))
    await run('resume', 'btc_momentum', ...apart)
    expect(await draining).toMatchObject({ exit: 2, code: 'USAGE' })
    expect((await run('status', ...apart)).document()).toMatchObject({ pipelines: [{ pointer: { state: 'running' } }] })
  })

  test('a drain that nobody works at says so, and is done when a worker comes', async () => {
    const drained = ['--namespace', 'alone'] as const
    await run('deploy', flagship, ...set, ...drained)
    await run('record', flagship, '--tape', at('trades.tape'), '--speed', 'max', ...drained)
    const draining = run('drain', 'btc_momentum', ...drained)
    await new Promise((resolve) => setTimeout(resolve, 1000))
    await run('worker', '--name', 'late', '--for', '8s', ...drained)
    const { code, said } = await draining
    expect({ code, said }).toMatchObject({ code: 0, said: expect.stringContaining('no worker is up') as string })
  })

  test('a drain does not wait for what a version that was promoted meanwhile left out', async () => {
    const fewer = ['--namespace', 'fewer'] as const
    const market = (seed: number) => ({ source: 'synthetic_market', params: { minutes: 1, seed } })
    const bars = (from: string) => ({ op: 'time_bars', from, params: { every: '10s' } })
    const less = { a: market(1), of_a: bars('a') }
    const file = (name: string, nodes: object) => {
      writeFileSync(at(name), JSON.stringify({ pipeline: 'fewer', nodes }))
      return at(name)
    }
    const two = file('two.json', { ...less, b: market(2), of_b: bars('b') })
    await run('deploy', two, '--from', 'all', ...fewer)
    expect((await run('record', two, '--speed', 'max', ...fewer)).code).toBe(0)
    const draining = run('drain', 'fewer', ...fewer)
    await new Promise((resolve) => setTimeout(resolve, 1000))
    await run('deploy', file('one.json', less), ...fewer)
    expect((await run('promote', 'fewer', ...fewer)).document()).toMatchObject({ to: 2 })
    await run('worker', '--name', 'few', '--for', '5s', ...fewer)
    const late = new Promise<{ code: string }>((resolve) => setTimeout(() => resolve({ code: 'late' }), 2000))
    expect((await Promise.race([draining, late])).code).toBe(0)
  })

  test('wrong words and wrong states are coded errors', async () => {
    const kept = ['--keep-state', 'nobody'] as const
    expect(await refused('deploy', flagship, ...set, ...kept)).toMatchObject({ exit: 5, code: 'DEPLOY_REFUSED' })
    expect(await refused('promote', 'nobody')).toMatchObject({ exit: 3, code: 'PIPELINE_UNKNOWN' })
    expect(await refused('tap', 'abve')).toMatchObject({ exit: 2, code: 'USAGE' })
    expect(await refused('dlq', 'show', '7')).toMatchObject({ exit: 2, code: 'USAGE' })
    expect(await refused('pause', 'btc_momentum')).toMatchObject({ exit: 2, code: 'USAGE' })
    for (const ranges of ['0.5', '-2', '0', '3'])
      expect(await refused('deploy', flagship, '--namespace', 'odd', `--ranges=${ranges}`)).toMatchObject({ exit: 2 })
    expect((await run('status', '--namespace', 'odd')).document()).toMatchObject({ pipelines: [] })
    expect(await refused('record', flagship, '--ranges', '3')).toMatchObject({ exit: 2, code: 'USAGE' })
    expect(await refused('record', 'binance_trades', '--params', '{"symbols"')).toMatchObject({
      exit: 2,
      code: 'USAGE',
    })
    expect((await run('signals', 'btc_momentm', '--for', '1s')).said).toContain(
      'no pipeline "btc_momentm" has published here (stream paper-sig-btc_momentm): waits some seconds for it',
    )
    expect((await run('signals', 'btc_momentum', '--for', '1s')).said).toBe('')
    for (const name of ['a b', ''])
      expect(await refused('worker', '--name', name, '--for', '1s')).toMatchObject({ exit: 2, code: 'USAGE' })
    for (const limit of ['0', '2.5'])
      expect(await refused('signals', 'btc_momentum', '--all', '--limit', limit)).toMatchObject({
        exit: 2,
        code: 'USAGE',
      })
    const stored = ['btc_momentum', '--log', 'jetstream'] as const
    const streams = [flagship, '--log', 'jetstream'] as const
    expect((await refused('replay', ...streams, '--ranges', '2')).message).toContain('sees the whole pipeline')
    const idle: readonly [string, ...string[]][] = [
      ['replay', ...stored, '--publish', 'unheard'],
      ['replay', ...stored, '--to', '2024-01-01T00:00:00Z'],
      ['replay', ...stored, '--ranges', '4'],
      ['replay', ...stored, ...set],
      ['parity', ...stored, ...set],
      ['replay', ...streams, '--savepoint', 'before'],
      ['replay', ...streams, '--dir', at('run')],
      ['parity', 'btc_momentum', '--dir', at('run'), '--savepoint', 'before'],
      ['orders', ...stored, '--savepoint', 'before'],
      ['signals', 'btc_momentum', '--all', '--from-seq', '2', '--limit', '1'],
    ]
    for (const argv of idle) expect(await refused(...argv), argv.join(' ')).toMatchObject({ exit: 2, code: 'USAGE' })
    expect(await refused('promote', 'btc_momentum', '--version', '9')).toMatchObject({
      ...{ exit: 3, code: 'PIPELINE_UNKNOWN', known: [1, 2] },
    })
    expect(await refused('promote', 'btc_momentum', '--version', '1.5')).toMatchObject({ exit: 2, code: 'USAGE' })
    expect(await refused('deploy', flagship, '--mode', 'live')).toMatchObject({ exit: 5, code: 'LIVE_REFUSED' })
    const absent = ['dlq', 'redrive', '1', '--record', at('nothing')] as const
    expect(await refused(...absent)).toMatchObject({ exit: 4, code: 'FILE_ABSENT' })
    const all = ['dlq', 'redrive', 'all', '--record', at('trades.tape')] as const
    expect(await refused(...all)).toMatchObject({ exit: 2, code: 'USAGE' })
    expect((await captured(['dlq', 'redrive', 'all', '--nats', server.url])).stdout).toBe('no dead letter\n')
    expect((await run('dlq', 'ls')).document()).toEqual({ letters: [] })
    const { code } = await captured(['status', '--nats', 'nats://127.0.0.1:9', '--json'])
    expect(code).toBe(4)
  })

  test('redrive all puts records in the order in which they stood, and leaves what is gone', async () => {
    const link = await openLink({ servers: server.url, name: 'test' })
    try {
      const log = await openJetStreamLog(link, { namespace: 'letters' })
      await (await log.stream('tick.f')).append(new Uint8Array(1), 0)
      await provideDeadLetters(link, 'letters', 1)
      // one pipeline met its records before another, which began earlier and lagged
      for (const [pipeline, seq, record, stream = 'tick.f'] of [
        ['p', 5, 'AAAA'],
        ['q', 2, null],
        ['q', 3, 'AAAA'],
        ['q', 5, 'AAAA'],
        ['q', 1, 'AAAA', 'tick.gone'],
      ] as const) {
        const letter = {
          pipeline,
          stage: `stage.${pipeline}`,
          stream,
          seq,
          code: 'FRAME_CORRUPT',
          reason: '',
        }
        const data = new TextEncoder().encode(JSON.stringify({ ...letter, record }))
        await link.exchange.insist(letterSubject('letters', pipeline, letter), data, {})
      }
    } finally {
      await link.close()
    }
    const { document, said } = await run('dlq', 'redrive', 'all', '--namespace', 'letters')
    expect(document()['redriven']).toEqual([
      { letter: 3, stream: 'tick.f', seq: 2 },
      { letter: 1, stream: 'tick.f', seq: 3 },
      { letter: 4, stream: 'tick.f', seq: 3 },
    ])
    expect(said).toContain('letter 2 is left')
    expect(said).toContain('letter 5 is left')
    expect((await run('dlq', 'ls', '--namespace', 'letters')).document()).toMatchObject({
      letters: [{ letter: 2 }, { letter: 5 }],
    })
    expect(await refused('dlq', 'redrive', '5', '--namespace', 'letters')).toMatchObject({ exit: 5, code: 'LOG_LOST' })
  })

  test('a wrong option ends the command, with no connection left behind', async () => {
    const command = (verb: string, ...rest: string[]) => ['--import', 'tsx', 'cli/main.ts', verb, ...rest]
    const left = (verb: string, ...rest: string[]) =>
      spawnSync(process.execPath, [...command(verb, ...rest), '--nats', server.url], {
        timeout: 60_000,
        killSignal: 'SIGKILL',
      }).status
    expect(left('tap', 'above', '--limit', 'abc')).toBe(2)
    expect(left('shadow', 'btc_momentum', '--for', '1x')).toBe(2)
    expect(left('replay', 'btc_momentum', '--log', 'jetstream', '--speed', '0')).toBe(2)
    expect(left('worker', '--for', '1x')).toBe(2)
    expect(left('record', flagship, '--for', '1x')).toBe(2)
  })

  test('run keeps its log on the server, and what it made is recomputed from there', async () => {
    const argv = [
      flagship,
      '--namespace',
      'own',
      '--log',
      'jetstream',
      '--dir',
      at('run'),
      '--tape',
      at('trades.tape'),
      '--speed',
      'max',
      ...set,
    ]
    const first = await run('run', ...argv)
    expect(first.code).toBe(0)
    const [report] = first.lines().slice(-1)
    const again = await run('run', ...argv)
    expect(again.lines().at(-1)).toMatchObject({
      report: { complete: true, outputs_sha256: (report as never)['report']['outputs_sha256'] },
    })
    const there = ['btc_momentum', '--log', 'jetstream', '--namespace', 'own', '--dir', at('run')] as const
    for (const verb of ['parity', 'replay'])
      expect((await run(verb, ...there)).document()).toMatchObject({
        equal: true,
        replay_sha256: (report as never)['report']['outputs_sha256'],
      })
    expect(await refused('parity', 'btc_momentum', '--log', 'jetstream', '--namespace', 'nobody')).toMatchObject({
      exit: 3,
      code: 'PIPELINE_UNKNOWN',
    })

    // what was too large for a message goes with the record that named it
    const link = await openLink({ servers: server.url, name: 'test' })
    try {
      const name = layout.inputs('btc_momentum')
      const { last } = await (await (await openJetStreamLog(link, { namespace: 'own' })).stream(name)).state()
      const records = new Records(link, 'own', 1)
      for (const place of [1, last])
        await records.put(subjectOfLog('own', name), place, `writer.${place}`, new Uint8Array(2))
      const bodies = async () => {
        const { state } = await link.jsm.streams.info('own-records', { subjects_filter: '>' })
        return Object.keys(state.subjects ?? {}).map((subject) => Number(subject.split('.')[5]))
      }
      await run('run', ...argv)
      expect(await bodies()).toEqual([1, last])
      await link.jsm.streams.purge(streamOf('own', name), { seq: last })
      expect((await run('run', ...argv)).code).toBe(0)
      expect(await bodies()).toEqual([last])
    } finally {
      await link.close()
    }
  })
})
