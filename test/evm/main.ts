import { parseArgs } from 'node:util'
import { crash } from './crash.ts'

const { values } = parseArgs({
  options: {
    intents: { type: 'string', default: '1000' },
    kills: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    naive: { type: 'boolean' },
    reorgs: { type: 'boolean' },
    json: { type: 'boolean' },
  },
})
const result = await crash({
  intents: Number(values.intents),
  kills: Number(values.kills),
  seed: Number(values.seed),
  mode: values.naive === true ? 'naive' : 'journaled',
  reorgs: values.reorgs === true,
  progress: (text) => process.stderr.write(process.stderr.isTTY ? `\r${text}` : ''),
})
const { mode, intents, kills, swaps, lost, doubled, untrue, sends, faulty_sends } = result
process.stdout.write(
  values.json
    ? `${JSON.stringify(result)}\n`
    : `${mode}: ${intents} intents, ${kills} kills, ${faulty_sends} of ${sends} sends faulty: ${swaps} swaps, ${lost} lost, ${doubled} doubled, ${untrue} untrue\n`,
)
process.exitCode = lost + doubled + untrue === 0 ? 0 : 1
