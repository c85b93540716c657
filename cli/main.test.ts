import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { columnsOf } from '../schemas/columns.ts'
import { captured } from './describe/captured.ts'

let directory = ''
const at = (name: string) => join(directory, name)
const flagship = fileURLToPath(new URL('../pipelines/btc_momentum.yaml', import.meta.url))
const run = async (...argv: string[]) => {
  const { code, json, lines, stderr } = await captured([...argv, '--json'])
  return {
    code,
    said: stderr,
    document: () => json<Record<string, unknown>>(),
    lines: () => lines<Record<string, unknown>>(),
  }
}
const refused = async (...argv: string[]) => {
  const { code: exit, document, said } = await run(...argv)
  return { exit, ...(document()['error'] as { code: string; message: string }), said }
}

/** A market of a few minutes, written by hand: prices that wave around 100. */
const rows = Array.from({ length: 3000 }, (_, i) => ({
  at: 1_700_000_000_000_000 + i * 100_000,
  key: 'binance:BTCUSDT',
  price: 100 + Math.round(300 * Math.sin(i / 90)) / 100,
  size: 1 + (i % 7),
  side: i % 2 ? 1 : -1,
  id: i + 1,
}))

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'tidegate-cli-'))
  writeFileSync(at('trades.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
  expect((await run('import', 'jsonl_trades', at('trades.jsonl'), '-o', at('trades.tape'))).code).toBe(0)
})
afterAll(() => rmSync(directory, { recursive: true }))

const faster = ['--set', 'bars.every=1s', '--set', 'trend.span=5', '--set', 'above.warm_up=5']

test('imports, checks and exports a tape, and the export reads back as the same tape', async () => {
  expect((await run('tape', 'info', at('trades.tape'))).document()).toMatchObject({
    sound: true,
    rows: 3000,
    kinds: { trade: 3000 },
    keys: ['binance:BTCUSDT'],
  })
  const exported = await run('tape', 'export', at('trades.tape'))
  writeFileSync(
    at('again.jsonl'),
    exported
      .lines()
      .map((row) => `${JSON.stringify(row)}\n`)
      .join(''),
  )
  await run('import', 'jsonl_trades', at('again.jsonl'), '-o', at('again.tape'))
  expect(readFileSync(at('again.tape')).equals(readFileSync(at('trades.tape')))).toBe(true)
})

test('backtests with files, runs on paper with equal outputs, replays and proves parity', async () => {
  const tested = await run('backtest', flagship, '--tape', at('trades.tape'), ...faster, '-o', at('out'))
  expect(tested.document()).toMatchObject({ ticks: 3000, late: 0 })
  expect(tested.document()['fills']).toBeGreaterThan(3)
  expect(readFileSync(at('out/fills.csv'), 'utf8').trim().split('\n')).toHaveLength(
    1 + Number(tested.document()['fills']),
  )
  expect(readFileSync(at('out/equity.svg'), 'utf8')).toContain('<polyline')
  const paper = await run(
    'run',
    flagship,
    '--bind',
    `trades=${at('trades.tape')}:BTCUSDT`,
    '--speed',
    'max',
    '--dir',
    at('paper'),
    ...faster,
  )
  const report = paper.lines().at(-1)?.['report'] as Record<string, unknown>
  expect(report).toMatchObject({
    ended: true,
    resumed: false,
    outputs_sha256: tested.document()['outputs_sha256'],
    fills: tested.document()['fills'],
  })
  expect(paper.lines().length - 1).toBe(report['signals'])
  expect((await run('parity', 'btc_momentum', '--dir', at('paper'))).document()).toMatchObject({
    equal: true,
    replay_sha256: report['outputs_sha256'],
  })
  const replayed = await run('replay', 'btc_momentum', '--dir', at('paper'), '--from-seq', '2')
  expect(replayed.code).toBe(0)
  const same = ['--bind', `trades=${at('trades.tape')}:BTCUSDT`, '--speed', 'max', '--dir', at('paper')]
  const again = await run('run', flagship, ...same, ...faster)
  expect(again.lines().at(-1)?.['report']).toMatchObject({
    resumed: true,
    complete: true,
    outputs_sha256: report['outputs_sha256'],
  })
  expect(await refused('run', flagship, ...same)).toMatchObject({ exit: 5, code: 'PLAN_MISMATCH' })
  const other = await refused('run', flagship, ...faster, '--bind', 'trades=synthetic_market', '--dir', at('paper'))
  expect(other).toMatchObject({ exit: 3, code: 'BINDING_INVALID' })
  expect(other.message).toContain('goes on with trades reading tape')
})

test('a file of results that cannot be written ends the run with FILE_UNWRITABLE', async () => {
  const backtest = (out: string) => refused('backtest', flagship, '--tape', at('trades.tape'), ...faster, '-o', out)
  for (const name of ['fills.csv', 'report.json']) {
    mkdirSync(at(`taken_${name}/${name}`), { recursive: true })
    expect(await backtest(at(`taken_${name}`))).toMatchObject({ exit: 1, code: 'FILE_UNWRITABLE' })
  }
  expect(await backtest(at('trades.jsonl'))).toMatchObject({ exit: 1, code: 'FILE_UNWRITABLE' })
})

test('a definition that is empty says so', async () => {
  writeFileSync(at('empty.yaml'), '# nothing yet\n')
  expect(await refused('check', at('empty.yaml'))).toMatchObject({ exit: 3, code: 'DEFINITION_UNREADABLE' })
})

test('a run directory that is a file is FILE_UNWRITABLE', async () => {
  const argv = ['--bind', `trades=${at('trades.tape')}`, '--speed', 'max', '--dir', at('trades.jsonl')]
  expect(await refused('run', flagship, ...argv)).toMatchObject({ exit: 1, code: 'FILE_UNWRITABLE' })
})

test('a run for longer than a timer can be is not stopped at once', async () => {
  const argv = [
    '--bind',
    `trades=${at('trades.tape')}`,
    '--speed',
    '300',
    '--dir',
    at('long'),
    '--for',
    '30d',
    ...faster,
  ]
  const { lines } = await run('run', flagship, ...argv)
  expect(lines().at(-1)?.['report']).toMatchObject({ ended: true, ticks: 3000 })
})

test('a backtest into the folder of another leaves nothing of it', async () => {
  const signals = (name: string) => readFileSync(at(`${name}/publish.jsonl`), 'utf8')
  const slower = ['--set', 'bars.every=2s', '--set', 'above.warm_up=5']
  const into = (name: string, settings: readonly string[]) =>
    run('backtest', flagship, '--tape', at('trades.tape'), ...settings, '-o', at(name))
  await into('twice', faster)
  await into('twice', slower)
  await into('once', slower)
  expect(signals('twice')).toBe(signals('once'))
})

test('made rows are bound only to a source that is there and gives their kind', async () => {
  const bound = (binding: string) => refused('backtest', flagship, '--tape', at('trades.tape'), '--bind', binding)
  expect((await bound('trades=synthetic_market')).message).toContain('trades.tape would be read by nobody')
  expect(await bound('tradez=synthetic_market')).toMatchObject({ exit: 3, code: 'BINDING_INVALID' })
  writeFileSync(at('quotes.yaml'), 'pipeline: q\nnodes:\n  quotes: { source: tape_quotes }\n')
  const quotes = await refused('backtest', at('quotes.yaml'), '--bind', 'quotes=synthetic_market')
  expect(quotes).toMatchObject({ exit: 3, code: 'BINDING_INVALID' })
})

test('made rows have the params of the node they stand for, but those that are given', async () => {
  const write = (name: string, source: string, params: object) =>
    writeFileSync(
      at(name),
      JSON.stringify({
        pipeline: 'made',
        nodes: {
          trades: { source, params },
          bars: { op: 'time_bars', from: 'trades', params: { every: '10s' } },
        },
      }),
    )
  write('venue.json', 'binance_trades', { symbols: ['ETHUSDT', 'SOLUSDT'] })
  write('own.json', 'synthetic_market', { symbols: ['ETHUSDT', 'SOLUSDT'], minutes: 2, seed: 5 })
  const made = async (file: string, ...bound: string[]) => {
    const { ticks, outputs_sha256 } = (await run('backtest', at(file), ...bound)).document()
    return { ticks, outputs_sha256 }
  }
  const own = await made('own.json')
  expect(own.ticks).toBeGreaterThan(0)
  expect(await made('venue.json', '--bind', 'trades=synthetic_market{"minutes":2,"seed":5}')).toEqual(own)
  expect(await made('own.json', '--bind', 'trades=synthetic_market')).toEqual(own)
  expect(await made('own.json', '--bind', 'trades=synthetic_market{"seed":6}')).toEqual(
    await made('own.json', '--set', 'trades.seed=6'),
  )
  const refusal = await refused('backtest', at('own.json'), '--bind', 'trades=synthetic_market{"trades":9}')
  expect(refusal).toMatchObject({ exit: 3, code: 'PARAMS_INVALID' })
  expect(refusal.message).toContain('symbols, seed, minutes, start, start_price, volatility are those of node "trades"')
})

test('a log that lost what a sink holds is refused, and so is a log whose inputs are cut', async () => {
  const argv = [
    'run',
    flagship,
    '--bind',
    `trades=${at('trades.tape')}`,
    '--speed',
    'max',
    '--dir',
    at('lost'),
    ...faster,
  ]
  expect((await run(...argv)).code).toBe(0)
  const inputs = at('lost/log/inputs.btc_momentum')
  const segment = join(inputs, readdirSync(inputs)[0] as string)
  truncateSync(segment, readFileSync(segment).length - 200)
  expect(await refused('parity', 'btc_momentum', '--dir', at('lost'))).toMatchObject({ exit: 5, code: 'LOG_LOST' })
  rmSync(at('lost/log'), { recursive: true })
  const empty = ['--bind', `trades=${at('trades.tape')}:NOSUCH`]
  expect(await refused('run', flagship, ...empty, '--dir', at('lost'))).toMatchObject({ code: 'BINDING_INVALID' })
  expect(await refused(...argv)).toMatchObject({ exit: 5, code: 'LOG_LOST' })
})

test('a log replays through another definition, and is compared on the edges that one has', async () => {
  const text = readFileSync(flagship, 'utf8')
  writeFileSync(at('bare.yaml'), text.slice(text.indexOf('pipeline:'), text.indexOf('  account:')))
  const argv = [
    'run',
    flagship,
    '--bind',
    `trades=${at('trades.tape')}`,
    '--speed',
    'max',
    '--dir',
    at('whatif'),
    ...faster,
  ]
  expect((await run(...argv)).code).toBe(0)
  const replayed = await run('replay', at('bare.yaml'), '--dir', at('whatif'), ...faster)
  expect(replayed.code).toBe(0)
  expect(replayed.document()).toMatchObject({ equal: true })
  const other = await run('replay', at('bare.yaml'), '--dir', at('whatif'), '--set', 'bars.every=2s')
  expect(other.document()).toMatchObject({ equal: false })
})

test('the demo runs on a tape, and its replay is equal', async () => {
  const { code, document } = await run('demo', '--tape', at('trades.tape'))
  expect(code).toBe(0)
  expect(document()).toMatchObject({ market: at('trades.tape'), ticks: 3000, equal: true })
})

test.each(['SIGINT', 'SIGTERM'] as const)(
  'a demo that %s stops leaves nothing behind',
  async (signal) => {
    const room = at(`demo_${signal}`)
    mkdirSync(room)
    const entry = fileURLToPath(new URL('main.ts', import.meta.url))
    const demo = spawn(process.execPath, ['--import', 'tsx', entry, 'demo'], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, TMPDIR: room },
    })
    const ours = () => readdirSync(room).filter((name) => name.startsWith('tidegate-demo-'))
    const ended = new Promise((resolve) => demo.once('exit', resolve))
    try {
      demo.stderr.on('data', (text: Buffer) => {
        if (String(text).includes(' at ') && ours().length > 0) demo.kill(signal)
      })
      expect(await ended).toBe(130)
      expect(ours()).toEqual([])
    } finally {
      demo.kill('SIGKILL')
    }
  },
  30_000,
)

test('wrong usage exits with 2 and says what is near', async () => {
  expect(await refused('bakctest')).toMatchObject({
    exit: 2,
    code: 'USAGE',
    message: 'no verb "bakctest"; did you mean "backtest"?',
  })
  expect(await refused('backtest', flagship, '--tpae', 'x')).toMatchObject({
    exit: 2,
    message: 'backtest has no option --tpae; did you mean --tape?',
  })
  expect(await refused('backtest')).toMatchObject({ exit: 2, code: 'USAGE' })
  expect(await refused('run', flagship, '--bind', `trades=${at('trades.tape')}`, '--speed', '-1')).toMatchObject({
    exit: 2,
  })
  for (const limit of ['0', '1.5', 'x'])
    for (const argv of [
      ['import', 'jsonl_trades', at('trades.jsonl'), '-o', at('x.tape')],
      ['tape', 'export', at('trades.tape')],
    ])
      expect(await refused(...argv, '--limit', limit)).toMatchObject({ exit: 2, code: 'USAGE' })
  for (const option of ['--for=abc', '--seed=abc', '--seed=1.5'])
    expect((await refused('demo', option)).message).toContain(option.slice(0, option.indexOf('=')))
  expect(await refused('import', 'nosuch', at('trades.jsonl'), '-o', at('x.tape'))).toMatchObject({
    exit: 2,
    code: 'FORMAT_UNKNOWN',
  })
})

test('a definition with an unknown operator, a wrong kind, a circle and a misspelt param exits with 3 and lists them all', async () => {
  writeFileSync(
    at('wrong.yaml'),
    `pipeline: wrong
nodes:
  trades: { source: binance_trades, params: { symbols: [BTCUSDT], latenes: 1s } }
  bars: { op: time_bars, from: trades, params: { every: 1m } }
  trend: { op: emma, from: bars }
  fast: { op: ema, from: trades, params: { span: 3 } }
  gate: { op: pass_gate, from: sized }
  sized: { op: stop_and_reverse, from: { signal: crossed, fill: execute.fill }, params: { quantity: 1 } }
  crossed: { op: cross, from: bars, latest: { trend: fast } }
  execute: { sink: simulated_venue, from: gate }
  one: { op: pass_gate, from: two }
  two: { op: pass_gate, from: one }
`,
  )
  const { exit, code, said } = await refused('backtest', at('wrong.yaml'), '--tape', at('trades.tape'))
  expect({ exit, code }).toEqual({ exit: 3, code: 'DEFINITION_INVALID' })
  expect(said).toContain('nodes.trades.params.latenes: unrecognised param; did you mean "lateness"?')
  expect(said).toContain('nodes.trend.op: nothing named "emma"; did you mean "ema"?')
  expect(said).toContain('nodes.fast.from: "trades" carries trade, but ema reads bar')
  expect(said).toContain('one -> two -> one feed each other')
})

test('tapes that are absent, cut, damaged, of another kind or of another schema version are refused, each with its code', async () => {
  const backtest = (tape: string) => refused('backtest', flagship, '--tape', tape)
  expect(await backtest(at('nosuch.tape'))).toMatchObject({ exit: 4, code: 'FILE_ABSENT' })
  expect(await backtest(directory)).toMatchObject({ exit: 4, code: 'FILE_ABSENT' })
  const bytes = readFileSync(at('trades.tape'))
  writeFileSync(at('cut.tape'), bytes)
  truncateSync(at('cut.tape'), bytes.length - 100)
  expect(await backtest(at('cut.tape'))).toMatchObject({ exit: 1, code: 'TAPE_TRUNCATED' })
  const damaged = Buffer.from(bytes)
  damaged[damaged.length >> 1] = (damaged[damaged.length >> 1] as number) ^ 1
  writeFileSync(at('damaged.tape'), damaged)
  expect(await backtest(at('damaged.tape'))).toMatchObject({ exit: 1, code: 'TAPE_CORRUPT' })
  expect(await refused('tape', 'info', at('damaged.tape'))).toMatchObject({ exit: 1, code: 'TAPE_CORRUPT' })
  const quotes = rows.map(({ at: time, key, price }) => ({
    at: time,
    key,
    bid: price,
    ask: price,
    bid_size: 1,
    ask_size: 1,
  }))
  writeFileSync(at('quotes.jsonl'), quotes.map((row) => `${JSON.stringify(row)}\n`).join(''))
  await run('import', 'jsonl_quotes', at('quotes.jsonl'), '-o', at('quotes.tape'))
  expect(await backtest(at('quotes.tape'))).toMatchObject({ exit: 3, code: 'BINDING_INVALID' })
  expect(await backtest(`${at('trades.tape')}:ETHUSDT`)).toMatchObject({ exit: 3, code: 'BINDING_INVALID' })
  await olderTape(at('older.tape'))
  expect(await backtest(at('older.tape'))).toMatchObject({ exit: 3, code: 'FRAME_SCHEMA' })
})

/** A tape whose trades have a column more than they have now. */
async function olderTape(path: string): Promise<void> {
  const { z } = await import('zod')
  const { kind } = await import('../schemas/kind.ts')
  const { FrameWriter } = await import('../schemas/frame_writer.ts')
  const { TapeWriter } = await import('../runtime/tape.ts')
  const older = kind('trade', z.object({ price: z.number(), size: z.number() }), { summary: 'As it once was.' })
  expect(columnsOf(older)).toHaveLength(2)
  const tape = TapeWriter.create(path, { trade: older })
  const writer = new FrameWriter(older, 'import')
  writer.push(1, 'binance:BTCUSDT', { price: 1, size: 1 })
  tape.write(writer.take())
  await tape.close()
}

test('an import that meets a bad row stops, names it, and leaves nothing behind; --skip-invalid counts it', async () => {
  writeFileSync(at('bad.jsonl'), `${JSON.stringify(rows[0])}\n{"at": 5, "price": -1}\nrubbish\n`)
  expect(await refused('import', 'jsonl_trades', at('bad.jsonl'), '-o', at('bad.tape'))).toMatchObject({
    exit: 3,
    code: 'INPUT_INVALID',
  })
  expect(await refused('tape', 'info', at('bad.tape'))).toMatchObject({ code: 'FILE_ABSENT' })
  expect(
    (await run('import', 'jsonl_trades', at('bad.jsonl'), '-o', at('bad.tape'), '--skip-invalid')).document(),
  ).toMatchObject({ rows: 1, invalid: 2 })
})

test('an import of Parquet from a file that is none is INPUT_INVALID', async () => {
  const { exit, code, message } = await refused('import', 'parquet', flagship, '-o', at('x.tape'))
  expect({ exit, code }).toEqual({ exit: 3, code: 'INPUT_INVALID' })
  expect(message).toContain('expected a Parquet file')
})

test('live trading is refused with 5, and a second writer on a run with 4', async () => {
  expect(await refused('run', flagship, '--mode', 'live')).toMatchObject({ exit: 5, code: 'LIVE_REFUSED' })
  const argv = [
    'run',
    flagship,
    '--bind',
    `trades=${at('trades.tape')}`,
    '--speed',
    '0.1',
    '--dir',
    at('shared'),
    ...faster,
  ]
  const first = spawn(
    process.execPath,
    ['--import', 'tsx', fileURLToPath(new URL('main.ts', import.meta.url)), ...argv],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  try {
    await new Promise((resolve) => first.stderr.once('data', resolve))
    expect(await refused(...argv)).toMatchObject({ exit: 4, code: 'LOG_LOCKED' })
  } finally {
    first.kill('SIGKILL')
  }
})

test('a server that takes the connection and says nothing is unreachable, and holds no verb up', async () => {
  const silent = createServer().listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const { port } = silent.address() as AddressInfo
  const began = performance.now()
  const verbs = ['status', 'signals btc_momentum'].map(async (words) => {
    const argv = ['--import', 'tsx', 'cli/main.ts', ...words.split(' '), '--nats', `nats://127.0.0.1:${port}`]
    const child = spawn(process.execPath, argv, {
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: 20_000,
      killSignal: 'SIGKILL',
    })
    let said = ''
    child.stderr.on('data', (text) => (said += text))
    const [code] = await once(child, 'close')
    return { code, said }
  })
  for (const { code, said } of await Promise.all(verbs)) {
    expect(said).toContain('NATS_UNREACHABLE')
    expect(code).toBe(4)
  }
  expect(performance.now() - began).toBeLessThan(18_000)
  silent.close()
}, 30_000)
