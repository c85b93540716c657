import type { NatsConnection } from '@nats-io/transport-node'
import { Observable, type Subscriber } from 'rxjs'
import { z } from 'zod'
import { TidegateError } from '../schemas/errors.ts'
import { NodeId } from '../schemas/spec.ts'
import { subjectOf } from '../schemas/subjects.ts'
import { Instrument } from '../schemas/units.ts'
import { follow, type Wanted } from './follow.ts'
import { type ReceivedSignal, signalOf } from './signal.ts'

const options = z.strictObject({
  namespace: z
    .string()
    .regex(/^[a-z][a-z0-9_]*$/, 'expected paper, live or another namespace')
    .default('paper')
    .describe('paper, live, or that of a replay'),
  node: NodeId.optional().describe('only what this sink node published'),
  instrument: Instrument.optional().describe('only signals of this instrument, as venue:SYMBOL'),
  from: z
    .union([z.enum(['new', 'all']), z.int().positive()])
    .default('new')
    .describe('what comes from now on, everything there is, or a sequence: that of the last signal, plus 1'),
  created: z.string().optional().describe('`created` of the last signal: a stream made anew since then is an error'),
})
export interface SignalsOptions extends Readonly<z.input<typeof options>> {}

/** An Observable and an async iterable at once. Each subscription, and each loop, reads by itself. */
export interface Signals extends Observable<ReceivedSignal>, AsyncIterable<ReceivedSignal> {
  [Symbol.asyncIterator](): AsyncIterableIterator<ReceivedSignal>
}

/**
 * The signals of a pipeline, in order and each once, across restarts of the server. The connection stays the caller's.
 * Reading begins with the subscription, or with the first `next()`.
 * @throws PARAMS_INVALID; while reading LOG_LOST, INPUT_INVALID, JETSTREAM_OFF, NATS_REFUSED, NATS_UNREACHABLE
 */
export function signals(connection: NatsConnection, pipeline: string, chosen: SignalsOptions = {}): Signals {
  const wanted = wantedOf(pipeline, chosen)
  return new SignalStream(async function* (stop) {
    for await (const taken of follow(connection, wanted, stop)) yield signalOf(taken)
  })
}

function wantedOf(pipeline: string, chosen: SignalsOptions): Wanted {
  const parsed = z.object({ pipeline: NodeId, options }).safeParse({ pipeline, options: chosen })
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
    throw new TidegateError('PARAMS_INVALID', `signals: ${problems.join('; ')}`, { problems }, parsed.error)
  }
  const { namespace, node, instrument, from, created } = parsed.data.options
  const tokens = instrument === undefined ? ['*', '*'] : subjectOf('', '', '', instrument).split('.').slice(-2)
  const all = node === undefined && instrument === undefined
  return {
    stream: `${namespace}-sig-${pipeline}`,
    filter: all ? undefined : [namespace, 'sig', pipeline, node ?? '*', ...tokens].join('.'),
    from,
    created,
  }
}

type Open = (stop: AbortSignal) => AsyncGenerator<ReceivedSignal>

class SignalStream extends Observable<ReceivedSignal> implements Signals {
  private readonly open: Open

  constructor(open: Open) {
    super((subscriber) => {
      const stop = new AbortController()
      void deliver(open(stop.signal), subscriber)
      return () => stop.abort()
    })
    this.open = open
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<ReceivedSignal> {
    const stop = new AbortController()
    const reading = this.open(stop.signal)
    return {
      next: () => reading.next(),
      // a generator that waits for a message would hear of return() only after it
      return: () => {
        stop.abort()
        return reading.return(undefined)
      },
      [Symbol.asyncIterator]() {
        return this
      },
    }
  }
}

async function deliver(reading: AsyncGenerator<ReceivedSignal>, to: Subscriber<ReceivedSignal>): Promise<void> {
  try {
    for await (const signal of reading) to.next(signal)
    to.complete()
  } catch (error) {
    to.error(error)
  }
}
