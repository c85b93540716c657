import { TidegateError } from '../../schemas/errors.ts'
import type { Plan } from '../plan.ts'
import type { Definitions } from './definitions.ts'

/** Makes the plan of a definition with the components at hand. */
export type Planner = (definition: unknown) => Promise<Plan>

/** The plans of deployed definitions, each made once. */
export class Plans {
  private readonly definitions: Definitions
  private readonly planner: Planner
  private readonly made = new Map<string, Plan>()

  constructor(definitions: Definitions, planner: Planner) {
    this.definitions = definitions
    this.planner = planner
  }
  /** @throws DEPLOYED_ELSEWHERE where the components here mean another plan by it */
  async of(pipeline: string, version: number): Promise<Plan> {
    const key = `${pipeline}.v${version}`
    const there = this.made.get(key)
    if (there !== undefined) return there
    const deployed = await this.definitions.version(pipeline, version)
    const plan = await this.planner(deployed.definition)
    if (plan.hash !== deployed.plan)
      throw new TidegateError(
        'DEPLOYED_ELSEWHERE',
        `${pipeline} version ${version} was deployed by release ${deployed.release} as plan ${deployed.plan.slice(0, 12)}, the components here make it ${plan.hash.slice(0, 12)}`,
        { pipeline, version, release: deployed.release, expected: deployed.plan, found: plan.hash },
      )
    this.made.set(key, plan)
    return plan
  }
  /** The plan of a hash: the newest version that has it. @throws PIPELINE_UNKNOWN */
  async byHash(pipeline: string, hash: string): Promise<Plan> {
    for (const plan of this.made.values()) if (plan.pipeline === pipeline && plan.hash === hash) return plan
    const { pointer } = await this.definitions.require(pipeline)
    for (let version = pointer.candidate; version >= 1; version--) {
      const deployed = await this.definitions.version(pipeline, version)
      if (deployed.plan === hash) return this.of(pipeline, version)
    }
    throw new TidegateError('PIPELINE_UNKNOWN', `no version of ${pipeline} is plan ${hash.slice(0, 12)}`, {
      pipeline,
      hash,
    })
  }
}
