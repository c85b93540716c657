import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, unlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

const places = ['/usr/sbin', '/usr/local/bin', '/usr/local/sbin', '/opt/homebrew/bin']

/** The nats-server of this machine: NATS_SERVER_BIN, the PATH, or where packages put it; undefined where there is none. */
export function natsServerBinary(environment = process.env): string | undefined {
  const { NATS_SERVER_BIN: named, PATH = '' } = environment
  if (named !== undefined && named !== '') return named
  return [...PATH.split(delimiter), ...places]
    .map((folder) => join(folder, 'nats-server'))
    .find((file) => existsSync(file))
}
export const natsServerVersion = (binary: string): string =>
  /v?(\d+\.\d+\.\d+)/.exec(execFileSync(binary, ['--version'], { encoding: 'utf8' }))?.[1] ?? '0.0.0'

export interface NatsServerOptions {
  readonly binary: string
  /** Where streams are kept: one of its own unless named. */
  readonly store?: string
  /** A configuration file, beside what is always set: loopback, a free port, a store. */
  readonly config?: string
  readonly arguments?: readonly string[]
  /** Where it runs: paths in its configuration count from there. */
  readonly folder?: string
  readonly environment?: Readonly<Record<string, string>>
  /** -1 for a free one. */
  readonly port?: number
  readonly jetstream?: boolean
}

/** A real nats-server of its own on a free port of this machine, for tests and benchmarks. */
export class NatsServer {
  readonly store: string
  url = ''
  monitoring = ''
  private readonly options: NatsServerOptions
  private child: ChildProcess | undefined
  private port: number
  private readonly own: boolean

  private constructor(options: NatsServerOptions) {
    this.options = options
    this.own = options.store === undefined
    this.store = options.store ?? mkdtempSync(join(tmpdir(), 'tidegate-nats-'))
    this.port = options.port ?? -1
  }

  static async start(options: NatsServerOptions): Promise<NatsServer> {
    const server = new NatsServer(options)
    await server.restart()
    return server
  }
  get pid(): number | undefined {
    return this.child?.pid
  }

  /** Starts the server, again on its port and its store. */
  async restart(): Promise<void> {
    const { binary, config, arguments: more = [], jetstream = true } = this.options
    mkdirSync(this.store, { recursive: true })
    for (const file of readdirSync(this.store)) if (file.endsWith('.ports')) unlinkSync(join(this.store, file))
    const child = spawn(
      binary,
      [
        ...['-a', '127.0.0.1', '-p', String(this.port), '-m', '-1', '--ports_file_dir', this.store],
        ...(jetstream ? ['-js', '-sd', join(this.store, 'js')] : []),
        ...(config === undefined ? [] : ['-c', config]),
        ...more,
      ],
      {
        stdio: ['ignore', 'ignore', 'pipe'],
        ...(this.options.folder !== undefined && { cwd: this.options.folder }),
        env: { ...process.env, ...this.options.environment },
      },
    )
    this.child = child
    let said = ''
    child.stderr?.on('data', (text) => {
      said = `${said}${text}`.slice(-4000)
    })
    process.once('exit', this.reap)
    const ports = join(this.store, `nats-server_${child.pid}.ports`)
    for (const began = performance.now(); ; ) {
      const found = readPorts(ports)
      if (found !== undefined) {
        this.url = found.nats[0] as string
        this.monitoring = found.monitoring?.[0] ?? ''
        this.port = Number(new URL(this.url).port)
        return
      }
      if (child.exitCode !== null || performance.now() - began > 20_000)
        throw new Error(`${binary} did not start: ${said}`)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }

  private readonly reap = () => this.child?.kill('SIGKILL')

  signal(signal: NodeJS.Signals): void {
    this.child?.kill(signal)
  }
  /** Ends the process and waits for its end. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const { child } = this
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill(signal)
    await ended
    process.removeListener('exit', this.reap)
  }
  /** Ends the server and removes a store that was its own. */
  async stop(): Promise<void> {
    await this.kill()
    if (this.own) rmSync(this.store, { recursive: true, force: true })
  }
}

function readPorts(file: string): { nats: string[]; monitoring?: string[] } | undefined {
  try {
    const found = JSON.parse(readFileSync(file, 'utf8')) as { nats?: string[]; monitoring?: string[] }
    return found.nats === undefined ? undefined : { ...found, nats: found.nats }
  } catch {
    return undefined
  }
}
