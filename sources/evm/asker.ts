import { RpcFailure, type SourceContext } from '../../runtime/define.ts'
import type { Client, Question } from './client.ts'

/** How often one question is asked of all endpoints; of what none has, in case it has it in a moment. */
const attempts = 5
const attemptsAtNothing = 2

/**
 * Asks a few times more what all endpoints fail to answer: a step of the chain takes many questions, and one in three
 * that is lost would stop them all. Each time is seen by the endpoints' health, and the waits grow.
 */
export class Asker {
  private readonly client: Client
  private readonly context: SourceContext
  /** µs; the first wait is a random part of it. */
  private readonly backoff: number
  /** Whether what is asked may matter no more: then a refusal is an answer. */
  private readonly moot: () => boolean
  private readonly waits = new Set<() => void>()
  private state: 'open' | 'closed' = 'open'

  constructor(client: Client, context: SourceContext, backoff: number, moot: () => boolean) {
    this.client = client
    this.context = context
    this.backoff = backoff
    this.moot = moot
  }

  /** @throws RpcFailure */
  async ask<T>(question: Question<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      if (this.state === 'closed') throw new RpcFailure('unreachable', 'closed')
      try {
        return await this.client.ask(question)
      } catch (error) {
        if (!(error instanceof RpcFailure) || attempt >= this.mostFor(question, error)) throw error
        await this.wait(Math.max(error.after, this.context.random() * this.backoff * 2 ** (attempt - 1)))
      }
    }
  }

  close(): void {
    this.state = 'closed'
    for (const done of this.waits) done()
  }

  private mostFor({ once }: Question<unknown>, { reason }: RpcFailure): number {
    if (reason !== 'refused' && reason !== 'absent') return attempts
    if (this.moot() || (once === true && reason === 'refused')) return 0
    return reason === 'absent' ? attemptsAtNothing : attempts
  }

  private wait(micros: number): Promise<void> {
    if (this.state === 'closed') return Promise.resolve()
    return new Promise((resolve) => {
      const done = () => {
        cancel()
        this.waits.delete(done)
        resolve()
      }
      const cancel = this.context.clock.after(micros, done)
      this.waits.add(done)
    })
  }
}
