import { TidegateError } from '../../schemas/errors.ts'
import type { Committed } from '../connect.ts'
import { Delivery } from '../environment/deliver.ts'
import type { Link } from '../log/jetstream/link.ts'
import { Publisher } from '../log/jetstream/publisher.ts'
import type { Plan } from '../plan.ts'
import { provideSignals } from './provide.ts'

/** Messages that wait for the publisher before the replay does. */
const MOST_WAITING = 2048

/**
 * Publishes what the sinks of a pipeline say in a replay, on the subjects of a namespace of its own: `bt_RUN`. Subscribers
 * read it as they read paper and live, and cannot take the one for the other.
 */
export class ReplaySignals {
  readonly namespace: string
  published = 0
  private waiting = 0
  private rows = 0
  private readonly delivery: Delivery
  private readonly publisher: Publisher
  /** Messages on their way to the publisher, one behind the other. */
  private turn: Promise<void> = Promise.resolve()
  private failure: unknown

  private constructor(plan: Plan, namespace: string, publisher: Publisher) {
    this.namespace = namespace
    this.publisher = publisher
    this.delivery = new Delivery(plan, namespace, () => undefined)
    this.delivery.published.subscribe(({ subject, message }) => {
      this.published++
      this.waiting++
      const data = new TextEncoder().encode(JSON.stringify(message))
      this.turn = this.turn
        .then(() => (this.failure === undefined ? publisher.publish({ subject, data, headers: {} }) : undefined))
        .catch((error: unknown) => {
          this.failure ??= error
        })
        .finally(() => {
          this.waiting--
        })
    })
  }

  /** @throws USAGE where a run of that name has published before; NATS_REFUSED where our role makes no streams */
  static async open(link: Link, plan: Plan, run: string, replicas: number): Promise<ReplaySignals> {
    if (!/^[a-z0-9_]{1,24}$/.test(run))
      throw new TidegateError('USAGE', `--publish: expected lower-case letters, digits and _, found "${run}"`)
    const namespace = `bt_${run}`
    const stream = await provideSignals(link, namespace, plan.pipeline, replicas)
    const end = await Publisher.endOf(link, stream)
    if (end.seq > 0)
      throw new TidegateError(
        'USAGE',
        `--publish ${run}: ${stream} holds ${end.seq} signals of an earlier replay; expected a name that is free`,
        { stream },
      )
    return new ReplaySignals(plan, namespace, new Publisher(link, stream, end, replicas))
  }

  /** Each range counts its rows from one; a sink has had what is not behind the last it took. */
  write(row: Committed): void {
    this.delivery.write([{ ...row, order: ++this.rows }])
  }
  /** What a replay waits for that is faster than the server. */
  get room(): Promise<void> | undefined {
    return this.waiting > MOST_WAITING ? this.turn : undefined
  }
  /** Settles when everything is stored. */
  async flush(): Promise<void> {
    await this.turn
    if (this.failure !== undefined) throw this.failure
    await this.publisher.flush()
  }
  close(): void {
    this.delivery.close()
    this.publisher.close()
  }
}
