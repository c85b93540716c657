import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { NatsServer } from '../../testing/nats_server.ts'
import { scriptAt } from '../support.ts'
import { sharedClock } from './clock.ts'
import { PIPELINE } from './pipeline.ts'
import type { Role } from './roles.ts'
import type { Schedule } from './schedule.ts'
import type { Spread } from './spread.ts'

const [WARM_SECONDS, SECONDS] = [3, 10]
/** How long processes take to come up, at most, in µs. */
const COMING_UP = 3e6
/** Of a signal of the bench. */
const SIGNAL_BYTES = 330

/** A process of the bench, and what it said. */
class Running {
  private readonly child: ChildProcess
  private readonly role: string
  private said = ''

  constructor(server: NatsServer, role: Role) {
    const file = scriptAt('roles', import.meta.url)
    this.role = role.role
    this.child = spawn(process.execPath, [...process.execArgv, file, server.url, JSON.stringify(role)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    this.child.stdout?.on('data', (more) => {
      this.said += more
    })
  }
  get lastLine(): string {
    return this.said.trimEnd().split('\n').at(-1) ?? ''
  }
  async says(...words: readonly string[]): Promise<void> {
    while (!words.every((word) => this.said.includes(word))) {
      if (this.child.exitCode !== null) throw new Error(`the process "${this.role}" ended with ${this.child.exitCode}`)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }
  async ended(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'close')
  }
  async stop(signal: NodeJS.Signals): Promise<void> {
    this.child.kill(signal)
    await this.ended()
  }
}

/** One run at a rate, of our processes or of those of the relay, with what was measured of it. */
export async function measure(
  server: NatsServer,
  side: 'ours' | 'relay',
  rate: number,
  namespace: string,
): Promise<Spread> {
  const ours = side === 'ours'
  const between = new Running(server, ours ? { role: 'worker', namespace } : { role: 'relay' })
  await between.says(
    ...(ours ? [`took stage.${PIPELINE}`, `took signals.${PIPELINE}`] : ['took relay.b', 'took relay.c']),
  )
  const clock = sharedClock()
  const count = rate * (WARM_SECONDS + SECONDS)
  const schedule: Schedule = { clock, start: clock.event + COMING_UP, rate, count }
  const subject = ours ? `${namespace}.sig.${PIPELINE}.>` : 'relay.c'
  const listening = new Running(server, { role: 'listen', subject, schedule, warm: rate * WARM_SECONDS })
  const feeding = new Running(
    server,
    ours ? { role: 'ingest', namespace, schedule } : { role: 'publish', schedule, bytes: SIGNAL_BYTES },
  )
  await listening.ended()
  await feeding.stop('SIGKILL')
  // what waits in the streams is not to be worked off
  await between.stop(ours ? 'SIGTERM' : 'SIGKILL')
  return JSON.parse(listening.lastLine) as Spread
}
