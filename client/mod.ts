// The client's door: what somebody needs to subscribe to the signals of a pipeline.

export type { ErrorCode } from '../schemas/errors.ts'
export { isTidegateError, TidegateError } from '../schemas/errors.ts'
export { SignalMessage, signalJsonSchema } from '../schemas/signal_message.ts'
export type { ReceivedSignal } from './signal.ts'
export { type Signals, type SignalsOptions, signals } from './signals.ts'
