import { toJson } from '../../runtime/json.ts'
import { nearest } from '../../runtime/nearest.ts'
import { TidegateError } from '../../schemas/errors.ts'
import { DriveLines, driven } from '../describe/drive_lines.ts'
import type { Verb } from '../verb.ts'

export const driveVerb: Verb = {
  name: 'drive',
  summary: 'Runs one operator from the shell: messages in as JSON lines on stdin, answers out as JSON lines.',
  form: 'OPERATOR [--params JSON]',
  positionals: { min: 1, max: 1 },
  options: {
    params: { type: 'string', value: 'JSON', help: 'params of the operator; {} when left out' },
    wire: { type: 'string', multiple: true, value: 'PORT', help: 'feed a `latest` port that may also be left unwired' },
  },
  notes: `A line is a message: {"close": 10} for an operator that reads bars (open, high and low follow, volume is 1), {"price": 10}
for one that reads trades, 5 or {"value": 5} for one that reads numbers. "at" is event time (µs, ISO text, or a duration
after 2024-01-01 such as "1.5s"), one second after the line before when left out; "key" is the instrument. Where the
operator has several ports, "port" or "kind" names one. {"kind", "at", "key", "value"} is the whole form.
The simulated twin of a sink is driven in the same way. {"advance": "1m"} moves event time on without data, {"kind": "gap"} breaks continuity, {"end": true} ends the input.
Every message it says is a line {"at", "key", "answer"}, with "port" where it has several outputs, written at once.`,
  async run(args, { io, catalogue }) {
    const [name = ''] = args.positionals
    const { operators, sinks } = await catalogue()
    const twins = Object.values(sinks).flatMap(({ simulate }) => (simulate === undefined ? [] : [simulate]))
    const known = [...Object.values(operators), ...twins]
    const operator = known.find((o) => o.name === name)
    if (operator === undefined) {
      const near = nearest(
        name,
        known.map((o) => o.name),
      )
      throw new TidegateError(
        'UNKNOWN_COMPONENT',
        `no operator "${name}" in the catalogue${near ? `; did you mean "${near}"?` : ''}`,
        { found: name, ...(near && { nearest: near }) },
      )
    }
    const wired = args.values['wire'] ?? []
    for (const port of wired)
      if (!Object.hasOwn(operator.latest, port))
        throw new TidegateError(
          'USAGE',
          `--wire ${port}: ${name} has no such latest port; it has ${Object.keys(operator.latest).join(', ') || 'none'}`,
        )
    const lines = new DriveLines(operator)
    const driver = driven(operator, paramsOf(args.value('params')), wired, (said) => {
      const text = toJson(said)
      io.line(JSON.parse(text), text)
    })
    const { counts } = driver.engine
    let [line, late] = [0, 0]
    for await (const text of io.stdin()) {
      line++
      const sample = lines.read(text)
      if (sample !== undefined) driver.feed(sample)
      if (counts.late > late) io.say(`line ${line}: came too late, event time is past it; ${name} did not see it`)
      late = counts.late
    }
  },
}

function paramsOf(text = '{}'): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new TidegateError('USAGE', `--params: expected JSON such as '{"span": 20}', found ${text}`, {}, error)
  }
}
