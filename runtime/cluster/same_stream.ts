import { TidegateError } from '../../schemas/errors.ts'
import type { LogStream } from '../log/log.ts'

/**
 * A sequence means something only in the stream it was taken from: that one has one of these marks of creation, by name.
 * @throws LOG_LOST when the stream is another one than was marked; what was not marked is not known
 */
export async function checkSame(
  stream: LogStream,
  marks: Readonly<Record<string, string>> | undefined,
  since: string,
): Promise<void> {
  const { created } = await stream.state()
  const expected = marks?.[stream.name] ?? created
  if (created !== expected)
    throw new TidegateError('LOG_LOST', `${stream.name} was made anew since ${since}`, { expected, found: created })
}
