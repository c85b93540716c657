import { JetStreamApiError } from '@nats-io/jetstream'

// What servers say by number: nats-server, server/errors.json (2.9 to 2.12).

const isError =
  (code: number) =>
  (error: unknown): boolean =>
    error instanceof JetStreamApiError && error.code === code

/** There is no such stream. */
export const isNoStream = isError(10059)
/** The stream holds no such message. */
export const isNoMessage = isError(10037)
