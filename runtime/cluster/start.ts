import { z } from 'zod'
import { isTidegateError, TidegateError } from '../../schemas/errors.ts'
import { checkFrame } from '../../schemas/frame.ts'
import type { LogStream } from '../log/log.ts'

/** A place in a stream of frames. */
export const Start = z.discriminatedUnion('type', [
  z.object({ type: z.literal('now') }),
  z.object({ type: z.literal('all') }),
  z.object({ type: z.literal('seq'), seq: z.int() }),
  /** The first frame that reaches this event time, in µs. */
  z.object({ type: z.literal('time'), at: z.number() }),
])
export type Start = z.output<typeof Start>

/** The sequence a place stands for. @throws LOG_LOST when the stream does not hold it */
export async function startAt(stream: LogStream, start: Start): Promise<number> {
  const { first, last } = await stream.state()
  switch (start.type) {
    case 'now':
      return last + 1
    case 'all':
      return first
    case 'seq':
      if (start.seq >= first && start.seq <= last + 1) return start.seq
      throw new TidegateError('LOG_LOST', `${stream.name} holds ${first} to ${last}, not ${start.seq}`, {
        first,
        last,
        seq: start.seq,
      })
    case 'time':
      return search(stream, first, last, start.at)
  }
}

/** Whether a place is there, in that very stream; the oldest record that is left is always there. */
export async function holds(stream: LogStream, seq: number | undefined, mark: string | undefined): Promise<boolean> {
  const { first, last, created } = await stream.state()
  return seq === undefined || (seq >= first && seq <= last + 1 && created === (mark ?? created))
}

/** Frames of a feed rise in time but for its lateness, so halving finds the place. */
async function search(stream: LogStream, first: number, last: number, at: number): Promise<number> {
  let [low, high] = [first, last + 1]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    // a damaged frame tells no time: the next one does
    let [place, time] = [middle, await timeOf(stream, middle)]
    while (time === undefined && ++place < high) time = await timeOf(stream, place)
    if (time !== undefined && time < at) low = place + 1
    else high = middle
  }
  return low
}
/** The newest event time of a frame; undefined where it is damaged. */
export async function timeOf(stream: LogStream, seq: number): Promise<number | undefined> {
  try {
    for await (const { data } of stream.read(seq, { limit: 1 })) return checkFrame(data).last
  } catch (error) {
    if (!isTidegateError(error) || error.code !== 'FRAME_CORRUPT') throw error
  }
  return undefined
}
