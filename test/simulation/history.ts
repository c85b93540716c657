import { replay } from '../../runtime/replay.ts'
import { isTidegateError } from '../../schemas/errors.ts'
import { Chance, weatherOf } from './chance.ts'
import { logOf } from './log.ts'
import { Network, type Process } from './network.ts'
import { verdict } from './oracle.ts'
import { paired } from './plans.ts'
import { type Code, real, type Site, write } from './processes.ts'
import { type Scenario, scenarioOf } from './scenarios.ts'
import { Server } from './server.ts'

export interface Outcome {
  readonly crashes: number
  /** Owners and writers that went on while another had begun. */
  readonly zombies: number
  readonly lost_answers: number
  readonly conflicts: number
  readonly wrong: string | null
}

const STORM = 30
const STORM_MOST = 120
/** Nothing takes so long. */
const STUCK = 5_000
const TOGETHER = 3
/** One in so many histories of two inputs is recomputed from its log. */
const REPLAYED = 16

type Start = (process: Process) => Promise<void>
/** A kind of process of which there should always be one: the owner of the stage, or the writer of an input. */
interface Role {
  readonly name: string
  readonly start: Start
  readonly living: Set<Process>
  begun: number
  done: boolean
}

class History {
  readonly network: Network
  readonly server = new Server()
  private readonly chance: Chance
  private readonly site: Site
  private readonly roles: readonly Role[]
  private readonly counts = { crashes: 0, zombies: 0 }
  private failure: string | null = null
  /** Whether answers may be stale, at any time of the history. */
  private readonly stale: boolean

  constructor(chance: Chance, scenario: Scenario, code: Code) {
    const { plan, inputs, before } = scenario
    this.chance = chance
    this.network = new Network(this.server, chance, weatherOf(chance))
    this.stale = this.network.weather.stale > 0
    const names = inputs.map((_, i) => `input_${i}`)
    const totals = inputs.map((of) => of.length)
    this.site = { network: this.network, code, plan, inputs: names, stage: 'stage', totals }
    this.server.records('stage').push(...before.stage)
    const role = (name: string, start: Start): Role => ({ name, start, living: new Set(), begun: 0, done: false })
    this.roles = [
      role('owner', (process) => code.own(process, this.site)),
      ...names.map((name, i) => {
        const records = (inputs[i] as (typeof inputs)[number]).map(({ data }) => data)
        this.server.records(name).push(...records.slice(0, before.inputs).map((data) => ({ data, id: '' })))
        return role(name, (process) => write(process, this.site, name, records))
      }),
    ]
  }

  /** Takes turns until all is done and nothing is on its way any more. */
  async run(): Promise<void> {
    const { chance, network, roles } = this
    const storm = STORM + chance.below(STORM_MOST)
    for (let turn = 0; this.failure === null; turn++) {
      if (turn === storm) network.calm()
      if (turn === STUCK) this.failure = 'it does not come to an end'
      for (const role of roles) if (role.living.size === 0 && !role.done) this.begin(role)
      if (roles.every(({ living }) => living.size === 0) && network.idle) return
      if (chance.happens(network.weather.death)) this.kill(chance.of(roles))
      if (chance.happens(network.weather.takeover)) this.takeOver(chance.of(roles))
      await network.turn()
    }
  }
  private begin(role: Role): void {
    const process: Process = { name: `${role.name}${++role.begun}`, alive: true }
    role.living.add(process)
    role.start(process).then(
      () => {
        role.living.delete(process)
        role.done = true
      },
      (error: unknown) => {
        role.living.delete(process)
        if (!this.expects(error))
          this.failure = `${process.name}: ${error instanceof Error ? error.stack : String(error)}`
      },
    )
  }
  /** Fenced, refused, or misled by a stale answer: another begins. */
  private expects(error: unknown): boolean {
    if (!isTidegateError(error)) return false
    return error.code === 'LOG_CONFLICT' || error.code === 'LOG_REFUSED' || (error.code === 'LOG_LOST' && this.stale)
  }
  private kill({ living }: Role): void {
    if (living.size === 0) return
    const process = this.chance.of([...living])
    process.alive = false
    living.delete(process)
    this.counts.crashes++
  }
  private takeOver(role: Role): void {
    if (role.living.size === 0 || role.living.size >= TOGETHER) return
    this.counts.zombies++
    this.begin(role)
  }

  /** What the interleaving that is told by the commits gives, as an audit reads it. */
  private async recompute({ plan }: Scenario): Promise<string | null> {
    const { network, site } = this
    const log = logOf({ name: 'audit', alive: true }, network, real.append)
    const inputs = await Promise.all(site.inputs.map(async (name) => ({ stream: await log.stream(name) })))
    network.calm()
    const work = replay(plan, log, { inputs, name: site.stage, execution: 'interpret' })
    const { equal, first_difference } = await network.finish(work)
    return equal ? null : `a replay differs: ${JSON.stringify(first_difference)}`
  }
  async outcome(scenario: Scenario): Promise<Outcome> {
    const { server, network, failure, counts } = this
    const written = this.site.inputs.map((name) => server.records(name))
    const again = scenario.plan === paired && this.chance.below(REPLAYED) === 0
    const found = verdict(scenario, written, server.records('stage'))
    const broken = failure === null || found === null ? (failure ?? found) : `${failure}; ${found}`
    const wrong = broken ?? (again ? await this.recompute(scenario) : null)
    return { ...counts, lost_answers: network.lostAnswers, conflicts: server.conflicts, wrong }
  }
}

/** One history of crashes, from a seed. */
export async function history(seed: number, code: Code = real): Promise<Outcome> {
  const chance = new Chance(seed)
  const scenario = await scenarioOf(chance)
  const run = new History(chance, scenario, code)
  await run.run()
  return run.outcome(scenario)
}
