import { TidegateError } from '../schemas/errors.ts'
import { SignalMessage } from '../schemas/signal_message.ts'
import type { Taken } from './follow.ts'

/** A signal, and where it stands in its stream. */
export interface ReceivedSignal extends SignalMessage {
  /** Sequence in the stream: go on with `from: seq + 1`. */
  readonly seq: number
  readonly subject: string
  /** When the stream was created: a sequence has a meaning only within one stream. */
  readonly created: string
}

/** @throws INPUT_INVALID when the message is not a signal; its `info.seq` + 1 is where one may go on */
export function signalOf({ message, created }: Taken): ReceivedSignal {
  const { subject, seq } = message
  let json: unknown
  try {
    json = message.json()
  } catch (cause) {
    throw invalid(subject, seq, ['the message is not JSON'], cause)
  }
  const parsed = SignalMessage.safeParse(json)
  if (parsed.success) return { ...parsed.data, seq, subject, created }
  const problems = parsed.error.issues.map(({ path, message: said }) => `${path.join('.') || 'message'}: ${said}`)
  throw invalid(subject, seq, problems, parsed.error)
}

const invalid = (subject: string, seq: number, problems: readonly string[], cause: unknown) =>
  new TidegateError(
    'INPUT_INVALID',
    `${subject}, sequence ${seq}: ${problems.join('; ')}`,
    { subject, seq, problems },
    cause,
  )
