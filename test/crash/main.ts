import { parseArgs } from 'node:util'
import { crash } from './crash.ts'
import { workerCrash } from './worker_crash.ts'

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    log: { type: 'string', default: 'embedded' },
    workers: { type: 'boolean' },
    cluster: { type: 'boolean' },
    skew: { type: 'boolean' },
    json: { type: 'boolean' },
  },
})
if (values.log !== 'embedded' && values.log !== 'jetstream') {
  process.stderr.write(`--log: expected embedded or jetstream, found "${values.log}"\n`)
  process.exit(2)
}
const result = await (values.workers === true ? workerCrash : crash)({
  runs: Number(values.runs),
  seed: Number(values.seed),
  jetstream: values.log === 'jetstream',
  cluster: values.cluster === true,
  skew: values.skew === true,
  progress: (text) => process.stderr.write(process.stderr.isTTY ? `\r${text}` : `${text}\n`),
})
const { runs, kills, wrong, by_point, outputs } = result
process.stdout.write(
  values.json
    ? `${JSON.stringify(result)}\n`
    : `${runs} runs of ${outputs} outputs, ${kills} kills (${Object.entries(by_point)
        .map(([p, n]) => `${n} ${p}`)
        .join(', ')}): ${wrong} wrong\n`,
)
process.exitCode = wrong === 0 ? 0 : 1
