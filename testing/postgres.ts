import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

const debian = '/usr/lib/postgresql'
const numbered = (a: string, b: string) => Number(b) - Number(a)

/** The folder of PostgreSQL's programs on this machine: PG_BIN, Debian's newest, the PATH; undefined where there is none. */
export function postgresFolder(environment = process.env): string | undefined {
  const { PG_BIN: named, PATH = '' } = environment
  if (named !== undefined && named !== '') return named
  const versions = existsSync(debian) ? readdirSync(debian).sort(numbered) : []
  return [...versions.map((version) => join(debian, version, 'bin')), ...PATH.split(delimiter), '/usr/local/bin'].find(
    (folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')),
  )
}

/** PostgreSQL refuses to run as root; its own user is there where Debian installed it. */
function otherUser(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined
  const idOf = (what: string, name: string) =>
    Number(execFileSync('id', [what, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }))
  for (const name of ['postgres', 'nobody'])
    try {
      return { uid: idOf('-u', name), gid: idOf('-g', name) }
    } catch {}
  return undefined
}

/** A real PostgreSQL of its own in a temporary folder, on a socket there: for tests. Everybody is let in but `guarded`. */
export class Postgres {
  /** Holds the data in `data`, and the socket. */
  readonly folder = mkdtempSync(join(tmpdir(), 'tidegate-pg-'))
  private child: ChildProcess | undefined
  private databases = 0
  private readonly binaries: string
  private readonly user = otherUser()

  private constructor(binaries: string) {
    this.binaries = binaries
  }

  static async start(binaries: string): Promise<Postgres> {
    const server = new Postgres(binaries)
    const { folder, user } = server
    if (user !== undefined) chownSync(folder, user.uid, user.gid)
    const words = ['-D', server.data, '-U', 'tidegate', '-A', 'trust', '-E', 'UTF8', '--no-locale', '--no-instructions']
    execFileSync(join(binaries, 'initdb'), words, { ...user, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })
    const rules = 'local all guarded scram-sha-256\nlocal all all trust\n'
    writeFileSync(join(server.data, 'pg_hba.conf'), rules)
    await server.restart()
    return server
  }

  private get data(): string {
    return join(this.folder, 'data')
  }
  get socket(): string {
    return join(this.folder, '.s.PGSQL.5432')
  }
  /** Where a client finds it: its socket, or that of a relay in another folder. */
  url(database = 'postgres', folder = this.folder, user = 'tidegate'): string {
    return `postgresql://${user}@localhost:5432/${database}?host=${encodeURIComponent(folder)}`
  }
  /** Creates an empty database of its own name. */
  database(): string {
    const name = `d${++this.databases}`
    execFileSync(join(this.binaries, 'createdb'), ['-h', this.folder, '-U', 'tidegate', name], { stdio: 'ignore' })
    return name
  }

  /** Starts it, again on its data. */
  async restart(): Promise<void> {
    for (const began = performance.now(); ; ) {
      const said = await this.begin()
      if (said === undefined) return
      // processes of a server that was killed are still on their way out
      if (performance.now() - began > 30_000) throw new Error(`postgres did not start: ${said}`)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }

  /** What it said where it did not start. */
  private async begin(): Promise<string | undefined> {
    const words = ['-D', this.data, '-k', this.folder, '-c', 'listen_addresses=', '-c', 'max_connections=40']
    const child = spawn(join(this.binaries, 'postgres'), words, {
      ...this.user,
      cwd: this.folder,
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, LC_MESSAGES: 'C' },
    })
    this.child = child
    process.once('exit', this.reap)
    let said = ''
    return new Promise((resolve) => {
      child.once('exit', () => resolve(said))
      child.stderr?.on('data', (text) => {
        said = `${said}${text}`.slice(-4000)
        if (said.includes('database system is ready to accept connections')) resolve(undefined)
      })
    })
  }

  private readonly reap = () => this.child?.kill('SIGKILL')

  /** Ends the process and waits for its end: SIGKILL is a crash, SIGQUIT one that its sessions notice at once. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const { child } = this
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill(signal)
    await ended
    process.removeListener('exit', this.reap)
  }
  async stop(): Promise<void> {
    await this.kill('SIGQUIT')
    rmSync(this.folder, { recursive: true, force: true })
  }
}
