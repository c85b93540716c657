import { parseArgs } from 'node:util'
import { isSound, soak } from './soak.ts'

const number = { type: 'string' } as const
const { values } = parseArgs({
  options: {
    minutes: { ...number, default: '60' },
    rate: { ...number, default: '50000' },
    symbols: { ...number, default: '100' },
    seed: { ...number, default: '1' },
    every: { ...number, default: '2' },
    connections: { ...number, default: '1' },
    'no-fill': { type: 'boolean', default: false },
    tls: { type: 'boolean', default: false },
    json: { type: 'boolean' },
  },
})
const [minutes, rate, symbols, seed, every, connections] = [
  values.minutes,
  values.rate,
  values.symbols,
  values.seed,
  values.every,
  values.connections,
].map(Number) as [number, number, number, number, number, number]
const fill = !values['no-fill']
const result = await soak({
  ...{ fill, tls: values.tls },
  ...{ minutes, rate, symbols, seed, every, connections },
  progress: (text) => process.stderr.write(`${text}\n`),
})
const table = (counts: Readonly<Record<string, number>>) =>
  Object.entries(counts)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ')
process.stdout.write(
  values.json
    ? `${JSON.stringify(result)}\n`
    : `${result.messages} messages in ${result.seconds} s: ${result.lost} lost, ${result.doubled} doubled, ${result.unordered} out of order, ${result.conceded} told missing (${result.forgone} of them still to be had, ${result.overtold} were not missing), ${result.corrupt} corrupt
faults: ${table(result.faults)}
events: ${table(result.events)}; ${result.filled} rows filled
invalid: ${table(result.invalid)}
memory: ${result.rss_mb.join(', ')} MB; ${result.heap_mb.join(', ')} MB in use after collection; ${result.cpu} of a core
`,
)
process.exitCode = isSound(result, { fill }) ? 0 : 1
