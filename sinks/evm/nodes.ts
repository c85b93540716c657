import { keccak256 } from 'ethers/crypto'
import { type Clock, type Endpoint, patience, RpcFailure, score } from '../../runtime/define.ts'
import { TidegateError } from '../../schemas/errors.ts'
import { firstAnswer } from './hedge.ts'
import type { Hex } from './hex.ts'
import { Node } from './node.ts'
import { classifyFailure, isRevert, type TroubleCode } from './taxonomy.ts'

export interface NodesSettings {
  readonly chain_id: number
  /** Public ones, the preferred first; each needs `http`. */
  readonly endpoints: readonly Endpoint[]
  /** Where it is given, transactions go there and nowhere else. It is asked nothing. */
  readonly relay?: Endpoint
  /** µs one question to one endpoint may take. */
  readonly timeout: number
  /** When another endpoint is asked too: when the first is later than usual, or only when it failed. */
  readonly hedge: 'late' | 'failed'
  /** Blocks an endpoint may be behind the best before it is asked last. */
  readonly max_lag: number
  readonly clock: Clock
  readonly notice: (text: string) => void
}

/** What an endpoint answered. A call that reverted is an answer. `endpoint` is a label. */
export type Answer =
  | { readonly type: 'result'; readonly endpoint: string; readonly result: unknown }
  | {
      readonly type: 'reverted'
      readonly endpoint: string
      readonly code: number
      readonly message: string
      readonly data: unknown
    }

/** What became of the bytes at one endpoint. `unknown`: they may have been taken. `detail` is what it said. */
export type Sent =
  | { readonly endpoint: string; readonly outcome: 'accepted' }
  | {
      readonly endpoint: string
      readonly outcome: 'known' | 'unknown' | 'refused'
      readonly code: TroubleCode
      readonly detail: string
    }

/** Several endpoints of one chain, for who sends transactions. Nothing is asked or sent twice of one endpoint. */
export class Nodes {
  private readonly settings: NodesSettings
  private readonly nodes: readonly Node[]
  private readonly relay: Node | undefined

  constructor(settings: NodesSettings) {
    this.settings = settings
    this.nodes = settings.endpoints.map((endpoint, place) => {
      const same = settings.endpoints.slice(0, place).filter(({ label }) => label === endpoint.label).length
      return nodeOf(endpoint, same === 0 ? endpoint.label : `${endpoint.label}#${same + 1}`, settings)
    })
    this.relay = settings.relay && nodeOf(settings.relay, settings.relay.label, settings)
  }

  close(): void {
    for (const node of [...this.nodes, ...(this.relay === undefined ? [] : [this.relay])]) node.close()
  }

  /** Asks the best endpoint; others by `hedge`, each once. @throws RpcFailure where none answers, CHAIN_MISMATCH */
  async read(method: string, params: readonly unknown[] = []): Promise<Answer> {
    const { clock, timeout, hedge } = this.settings
    const queue = this.inOrder()
    // However many hang, all have been asked with time left for the last to answer.
    const share = timeout / Math.max(1, queue.length)
    try {
      return await firstAnswer(queue, {
        clock,
        ask: (node) => this.answerOf(node, method, params),
        patience: ({ health }) => (hedge === 'late' ? Math.min(patience(health), share) : 2 * timeout),
      })
    } catch (failure) {
      this.checkChain(this.nodes)
      throw failure
    }
  }

  /** Asks this endpoint alone: for questions that must see one state of the chain. @throws RpcFailure, CHAIN_MISMATCH */
  async readFrom(endpoint: string, method: string, params: readonly unknown[] = []): Promise<Answer> {
    const node = this.nodes.find(({ label }) => label === endpoint)
    if (node === undefined) throw new RpcFailure('absent', `no endpoint is called ${endpoint}`)
    try {
      return await this.answerOf(node, method, params)
    } catch (failure) {
      this.checkChain(this.nodes)
      throw failure
    }
  }

  /** The endpoint `read` would ask first. @throws RpcFailure where all are to be left alone, CHAIN_MISMATCH */
  pick(): string {
    return this.inOrder()[0]!.label
  }

  /** Asks every endpoint for its newest block: who is behind, and who is back. Failures are told by `state`. */
  async refresh(): Promise<readonly Pick<Node, 'label' | 'state' | 'head' | 'health'>[]> {
    const { clock } = this.settings
    const awake = this.nodes.filter(({ state, health }) => state !== 'foreign' && health.rests <= clock.now())
    await Promise.allSettled(awake.map((node) => node.ask('eth_blockNumber', [])))
    this.checkChain(this.nodes)
    return this.nodes.map(({ label, state, head, health }) => ({ label, state, head, health }))
  }

  /**
   * Hands over signed bytes, once: to the relay alone where there is one, else to the best public endpoint or to all
   * healthy ones. Waits for each answer, `timeout` at most. @throws CHAIN_MISMATCH, with nothing sent
   */
  async send(raw: Hex, broadcast: 'one' | 'all' = 'one'): Promise<readonly Sent[]> {
    const targets = this.targets(broadcast)
    const sent = await Promise.all(targets.map((node) => hand(node, raw)))
    if (sent.every(({ outcome }) => outcome === 'refused')) this.checkChain(this.relay ? [this.relay] : this.nodes)
    return sent
  }

  private targets(broadcast: 'one' | 'all'): readonly Node[] {
    // Nothing but the relay may ever see them, whatever becomes of it.
    if (this.relay !== undefined) return [this.relay]
    const [best, ...others] = this.byScore()
    if (best === undefined) return []
    const now = this.settings.clock.now()
    const healthy = others.filter(({ health }) => health.errors < 0.5 && health.rests <= now)
    return broadcast === 'one' ? [best] : [best, ...healthy]
  }

  private async answerOf(node: Node, method: string, params: readonly unknown[]): Promise<Answer> {
    const endpoint = node.label
    try {
      return { type: 'result', endpoint, result: await node.ask(method, params) }
    } catch (error) {
      if (!(error instanceof RpcFailure) || !isRevert(error)) throw error
      const { code, message, data } = error
      return { type: 'reverted', endpoint, code, message, data }
    }
  }

  /** @throws RpcFailure where all ask to be left alone */
  private inOrder(): readonly Node[] {
    const now = this.settings.clock.now()
    const all = this.byScore()
    this.checkChain(this.nodes)
    const awake = all.filter(({ health }) => health.rests <= now)
    if (awake.length > 0) return awake
    const after = Math.min(...all.map(({ health }) => health.rests - now))
    throw new RpcFailure('limited', 'all endpoints ask to be left alone', { after })
  }

  private byScore(): readonly Node[] {
    const now = this.settings.clock.now()
    const usable = this.nodes.filter(({ state }) => state !== 'foreign')
    const best = Math.max(0, ...usable.map(({ head }) => head))
    const behind = ({ head }: Node) => (head === 0 ? 0 : best - head)
    const stale = (node: Node) => (behind(node) > this.settings.max_lag ? 1 : 0)
    return usable.toSorted(
      (a, b) => stale(a) - stale(b) || score(a.health, behind(a), now) - score(b.health, behind(b), now),
    )
  }

  /** @throws CHAIN_MISMATCH where all of them serve other chains */
  private checkChain(nodes: readonly Node[]): void {
    if (nodes.length === 0 || !nodes.every(({ state }) => state === 'foreign')) return
    const { chain_id } = this.settings
    const found = nodes.map(({ label, serves }) => `${label} serves chain ${serves}`)
    throw new TidegateError('CHAIN_MISMATCH', `expected chain ${chain_id}; ${found.join(', ')}`, { chain_id, found })
  }
}

/** @throws ENDPOINT_UNKNOWN for one without HTTP */
function nodeOf({ http }: Endpoint, label: string, settings: NodesSettings): Node {
  if (http !== undefined) return new Node(label, http, settings)
  throw new TidegateError('ENDPOINT_UNKNOWN', `endpoint ${label} has no HTTP address`, { endpoint: label })
}

async function hand(node: Node, raw: Hex): Promise<Sent> {
  const endpoint = node.label
  try {
    await node.prove()
  } catch (error) {
    if (!(error instanceof RpcFailure)) throw error
    const code = node.state === 'foreign' ? 'CONFIG' : error.reason === 'limited' ? 'RATE_LIMIT' : 'UNREACHED'
    return { endpoint, outcome: 'refused', code, detail: error.message }
  }
  try {
    const hash = await node.ask('eth_sendRawTransaction', [raw])
    if (typeof hash === 'string' && hash.toLowerCase() === keccak256(raw)) return { endpoint, outcome: 'accepted' }
    return {
      endpoint,
      outcome: 'unknown',
      code: 'TRANSPORT_UNKNOWN',
      detail: 'the answer is not the hash of what was sent',
    }
  } catch (error) {
    if (!(error instanceof RpcFailure)) throw error
    const code = classifyFailure(error)
    const outcome = code === 'ALREADY_KNOWN' ? 'known' : code === 'TRANSPORT_UNKNOWN' ? 'unknown' : 'refused'
    return { endpoint, outcome, code, detail: error.message }
  }
}
