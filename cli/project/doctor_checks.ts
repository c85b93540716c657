import { execFileSync } from 'node:child_process'
import { accessSync, constants, existsSync, readdirSync, statfsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, join, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { natsServerBinary } from '../../testing/nats_server.ts'

/** `missing` is a required part that is not here; `absent` one that may be. */
export type Status = 'ok' | 'warning' | 'missing' | 'absent'
export interface Finding {
  readonly part: string
  readonly status: Status
  readonly found: string
  /** What to do about it; absent when nothing is. */
  readonly fix?: string
}
type Environment = Readonly<Record<string, string | undefined>>

const GB = 1e9
/** Node versions and the month their maintenance ends (nodejs.org/en/about/previous-releases, 2026-11). */
const endOfLife: Readonly<Record<number, string>> = { 20: '2026-04', 22: '2027-04', 24: '2028-04' }

export function node(version: string): Finding {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number)
  const fix = 'Install Node 22 or 24: https://nodejs.org'
  if (major < 20 || (major === 20 && minor < 19))
    return { part: 'node', status: 'missing', found: `${version}; at least v20.19 is needed`, fix }
  const end = endOfLife[major]
  if (major === 20)
    return { part: 'node', status: 'warning', found: `${version} works; its maintenance ended in ${end}`, fix }
  return { part: 'node', status: 'ok', found: version }
}

export function disk(folder: string): Finding {
  const { bavail, bsize } = statfsSync(folder)
  const free = bavail * bsize
  const found = `${(free / GB).toFixed(1)} GB free in ${resolve(folder)}`
  try {
    accessSync(folder, constants.W_OK)
  } catch {
    return {
      part: 'disk',
      status: 'missing',
      found: `${resolve(folder)} cannot be written`,
      fix: 'Work in a directory you may write.',
    }
  }
  if (free < 0.2 * GB)
    return { part: 'disk', status: 'missing', found, fix: 'Free some space: a log needs at least 0.2 GB.' }
  return free < 2 * GB
    ? { part: 'disk', status: 'warning', found, fix: 'Logs and tapes grow; a day of one busy symbol is about 0.1 GB.' }
    : { part: 'disk', status: 'ok', found }
}

/** Whether wall time and the monotonic clock agree for a moment. A step of the wall clock shows here; its being wrong does not. */
export async function clock(): Promise<Finding> {
  const offset = () => Date.now() - performance.now()
  const before = offset()
  await pause(60)
  const drift = Math.abs(offset() - before)
  const year = new Date().getUTCFullYear()
  if (year < 2025)
    return {
      part: 'clock',
      status: 'warning',
      found: `the wall clock says ${new Date().toISOString()}`,
      fix: 'Set the clock, and keep it with NTP (chrony, systemd-timesyncd).',
    }
  if (drift > 5)
    return {
      part: 'clock',
      status: 'warning',
      found: `wall and monotonic clock moved apart by ${drift.toFixed(1)} ms in 60 ms`,
      fix: 'Keep the clock with NTP that slews and does not step.',
    }
  return {
    part: 'clock',
    status: 'ok',
    found: 'wall and monotonic clock agree; whether the time is right was not checked, for that needs a time server',
  }
}

const onPath = (name: string, { PATH = '' }: Environment): string | undefined =>
  [...PATH.split(delimiter), '/usr/sbin', '/usr/local/sbin']
    .map((folder) => join(folder, name))
    .find((file) => existsSync(file))
function versionOf(file: string, ...args: readonly string[]): string {
  try {
    return (
      execFileSync(file, args, { encoding: 'utf8', timeout: 5000, stdio: ['ignore', 'pipe', 'ignore'] })
        .trim()
        .split('\n')[0] ?? ''
    )
  } catch {
    return 'which does not start'
  }
}

export function natsServer(environment: Environment): Finding {
  const named = environment['NATS_SERVER_BIN']
  const file = natsServerBinary(environment)
  const fix =
    'Only workers and `--log jetstream` need it. Debian: apt-get install nats-server; others: https://nats.io/download; or set NATS_SERVER_BIN.'
  if (file === undefined || !existsSync(file))
    return {
      part: 'nats-server',
      status: 'absent',
      found: named === undefined ? 'not on PATH' : `NATS_SERVER_BIN names ${named}, which is not there`,
      fix,
    }
  return { part: 'nats-server', status: 'ok', found: `${file}, ${versionOf(file, '--version')}` }
}

export function postgres(environment: Environment): Finding {
  const file = onPath('postgres', environment) ?? onPath('psql', environment)
  if (file === undefined)
    return {
      part: 'postgresql',
      status: 'absent',
      found: 'neither postgres nor psql on PATH',
      fix: 'Only storing rows in tables needs it. Install PostgreSQL 14 or newer.',
    }
  return { part: 'postgresql', status: 'ok', found: `${file}, ${versionOf(file, '--version')}` }
}

export function recordedData(environment: Environment): Finding {
  const folder = environment['TIDEGATE_DATA'] ?? './data'
  if (!existsSync(folder))
    return {
      part: 'recorded data',
      status: 'absent',
      found: `nothing at ${folder}`,
      fix: 'Set TIDEGATE_DATA to a folder of recordings, or use `synthetic_market`, which needs none.',
    }
  return { part: 'recorded data', status: 'ok', found: `${folder}: ${readdirSync(folder).length} entries` }
}

const require = createRequire(import.meta.url)
function resolves(name: string): boolean {
  try {
    require.resolve(name)
    return true
  } catch (error) {
    // a package without an entry for require is there all the same
    return (error as NodeJS.ErrnoException).code === 'ERR_PACKAGE_PATH_NOT_EXPORTED'
  }
}
export function tsx(): Finding {
  if (resolves('tsx/esm/api')) return { part: 'tsx', status: 'ok', found: 'loads TypeScript pipelines' }
  return { part: 'tsx', status: 'missing', found: 'not installed', fix: 'npm install tsx' }
}

const peers: readonly (readonly [name: string, use: string])[] = [
  ['@duckdb/node-api', 'Parquet files'],
  ['ccxt', 'trades of exchanges that have no source of their own'],
  ['onnxruntime-node', 'models on the CPU or a GPU'],
  ['@tensorflow/tfjs-node-gpu', 'TensorFlow models on a GPU'],
  ['webgpu', 'models on a GPU through WebGPU'],
]
/** Packages that later parts may use; nothing of this version needs them. */
export const optionalPeers = (): readonly Finding[] =>
  peers.map(([part, use]) =>
    resolves(part)
      ? { part, status: 'ok', found: `installed, for ${use}` }
      : { part, status: 'absent', found: `not installed; not needed yet, it is for ${use}` },
  )

/** What only some definitions need, and what `test-trade` tries. */
export const connections = (): readonly Finding[] => [
  {
    part: 'rpc and keys',
    status: 'absent',
    found: 'not checked: only trading on a chain needs them, see docs/trading.md',
  },
]

/** A definition whose ticks reach so many nodes that each tick is dear. */
export function tickNodes(nodes: readonly string[]): Finding {
  const most = 12
  const found = `${nodes.length} nodes are called by every tick (${nodes.join(', ')})`
  return nodes.length > most
    ? {
        part: 'definition',
        status: 'warning',
        found,
        fix: `More than ${most} are slow: fold ticks into bars first, or split the pipeline.`,
      }
    : { part: 'definition', status: 'ok', found }
}
