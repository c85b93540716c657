import { appendOnce, type Wire } from '../../runtime/log/jetstream/settle.ts'
import type { StreamState } from '../../runtime/log/log.ts'
import { Stage, type StageInput } from '../../runtime/stage.ts'
import { isTidegateError, TidegateError } from '../../schemas/errors.ts'
import { type Code, openStage, type own, real, someInputs } from './processes.ts'
import { ANY } from './server.ts'

const conflict = (wire: Wire, expected: number): Error =>
  new TidegateError('LOG_CONFLICT', `${wire.stream} has moved on`, { stream: wire.stream, expected })

/** An append that asks for nothing after its first message, but believes one of two replies to be good news. */
const believing =
  (good: 'unknown' | 'refused'): Code['append'] =>
  async (wire, data, expectedLast, id) => {
    for (;;) {
      const reply = await wire.publish(data, expectedLast, id)
      if (reply.type === 'stored' || reply.type === good) return expectedLast + 1
      if (reply.type === 'refused') throw conflict(wire, expectedLast)
    }
  }

const resendWithoutExpectation: Code['append'] = async (wire, data, expectedLast, id) => {
  let expectation = expectedLast
  for (;;) {
    const reply = await wire.publish(data, expectation, id)
    if (reply.type === 'stored') return reply.seq
    if (reply.type === 'refused') throw conflict(wire, expectedLast)
    expectation = ANY
  }
}

/** Where another was faster, it takes the next place. */
const followTheStream: Code['append'] = async (wire, data, expectedLast, id) => {
  for (let expected = expectedLast; ; ) {
    try {
      return await appendOnce(wire, data, expected, id)
    } catch (error) {
      if (!isTidegateError(error) || error.code !== 'LOG_CONFLICT') throw error
      expected = (await wire.last()) ?? expected
    }
  }
}

/** As the stage itself, but after a refusal it goes on with an engine that has taken what was not committed. */
const ownOn: typeof own = async (process, site) => {
  const stage = await openStage(process, site)
  while (site.totals.some((total, i) => (stage.positions[i] as number) < total)) {
    const records = await someInputs(stage, site.network)
    if (records.length === 0) await site.network.pause(process)
    else
      await stage.step(records).catch((error: unknown) => {
        if (!isTidegateError(error) || error.code !== 'LOG_REFUSED') throw error
      })
  }
}

/** What an input holds is asked before the commits are read, and an owner at work goes past it. */
const inputsFirst: Code['open'] = async (plan, log, options = {}) => {
  const asked = async ({ stream }: StageInput): Promise<StageInput> => {
    const early: StreamState[] = [await stream.state()]
    const state = async () => early.pop() ?? stream.state()
    const { name } = stream
    return {
      stream: {
        name,
        state,
        append: (data, last) => stream.append(data, last),
        read: (from, how) => stream.read(from, how),
        last: () => stream.last(),
        tail: (from, signal) => stream.tail(from, signal),
      },
    }
  }
  return Stage.open(plan, log, { ...options, inputs: await Promise.all((options.inputs ?? []).map(asked)) })
}

/** Code with one thing wrong in it, which the simulation has to find. */
export const mutations = {
  'a lost answer is taken for a stored record': { ...real, append: believing('unknown') },
  'a conflict is taken for our own record': { ...real, append: believing('refused') },
  'what was not answered is sent again without expectation': { ...real, append: resendWithoutExpectation },
  'a conflict is answered with the next place': { ...real, append: followTheStream },
  'two writers use the same ids': {
    ...real,
    append: (wire, data, expectedLast) => appendOnce(wire, data, expectedLast, String(expectedLast + 1)),
  },
  'an owner begins without an epoch of its own': {
    ...real,
    open: (plan, log, { owner: _, ...options } = {}) => Stage.open(plan, log, options),
  },
  'an owner goes on after a refused commit': { ...real, own: ownOn },
  'inputs are looked at before the commits': { ...real, open: inputsFirst },
} satisfies Readonly<Record<string, Code>>
