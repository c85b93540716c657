import {
  answered,
  type Clock,
  failed,
  type Health,
  HttpRpc,
  limited,
  RpcFailure,
  unknownHealth,
} from '../../runtime/define.ts'

/** µs a node is left alone that asks for less and does not say for how long. */
const rest = 1e6
/** More than any answer to what a sink asks: a simulation of a few calls. */
const maxBytes = 8 * 2 ** 20

export interface NodeSettings {
  readonly chain_id: number
  readonly clock: Clock
  /** µs one question may take, with the look at the chain that may come before it. */
  readonly timeout: number
  readonly notice: (text: string) => void
}

/** One endpoint: whether it serves our chain, how well, and up to which block. */
export class Node {
  readonly label: string
  /** `foreign`: it serves another chain, and is left alone for good. */
  state: 'unproven' | 'ours' | 'foreign' = 'unproven'
  health: Health = unknownHealth
  /** The newest block when it told last; 0 before. */
  head = 0
  /** The chain it says it serves, where that is not ours. */
  serves: string | undefined
  private readonly settings: NodeSettings
  private readonly http: HttpRpc

  constructor(label: string, url: string, settings: NodeSettings) {
    const { clock, timeout } = settings
    this.label = label
    this.settings = settings
    this.http = new HttpRpc({ url, clock, timeout, maxBytes })
  }

  close(): void {
    this.http.close()
  }

  /** One question, one attempt; before the first, and the first after a failure, which chain it serves. @throws RpcFailure */
  async ask(method: string, params: readonly unknown[]): Promise<unknown> {
    const until = this.settings.clock.now() + this.settings.timeout
    await this.prove(until)
    return this.put(method, params, until)
  }

  /** @throws RpcFailure where it serves another chain, or does not say */
  async prove(until = this.settings.clock.now() + this.settings.timeout): Promise<void> {
    if (this.state === 'ours') return
    if (this.state === 'foreign') throw this.foreign()
    const { chain_id, notice } = this.settings
    // Each question looks for itself: one that waited for the look of another would hang with it.
    const chain = await this.put('eth_chainId', [], until)
    if (typeof chain !== 'string' || !/^0x[0-9a-f]{1,64}$/i.test(chain))
      throw new RpcFailure('malformed', 'the answer to eth_chainId is none')
    if (BigInt(chain) === BigInt(chain_id)) {
      if (this.state === 'unproven') this.state = 'ours'
      return
    }
    // Another question may have found out meanwhile.
    if (this.serves === undefined)
      notice(`${this.label} serves chain ${BigInt(chain)}, expected ${chain_id}: it is not used`)
    this.state = 'foreign'
    this.serves = BigInt(chain).toString()
    throw this.foreign()
  }

  private foreign(): RpcFailure {
    return new RpcFailure('refused', `it serves chain ${this.serves}, expected ${this.settings.chain_id}`)
  }

  private async put(method: string, params: readonly unknown[], until: number): Promise<unknown> {
    const { clock } = this.settings
    const asked = clock.now()
    if (asked >= until) throw new RpcFailure('timeout', 'no answer in time')
    try {
      const answer = await this.http.ask(method, params, until - asked)
      this.health = answered(this.health, clock.now() - asked)
      if (method === 'eth_blockNumber') this.head = blockOf(answer)
      return answer
    } catch (error) {
      if (error instanceof RpcFailure) this.note(error)
      throw error
    }
  }

  private note({ reason, after }: RpcFailure): void {
    if (reason === 'refused') return
    if (reason === 'limited') this.health = limited(this.health, this.settings.clock.now() + Math.max(after, rest))
    else {
      this.health = failed(this.health)
      // What comes back may be another machine behind the same name.
      if (this.state === 'ours') this.state = 'unproven'
    }
  }
}

function blockOf(answer: unknown): number {
  const block = typeof answer === 'string' && /^0x[0-9a-f]{1,13}$/i.test(answer) ? Number(answer) : Number.NaN
  if (Number.isNaN(block)) throw new RpcFailure('malformed', 'the answer to eth_blockNumber is none')
  return block
}
