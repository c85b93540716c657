import { parseArgs } from 'node:util'
import { backtest } from './backtest.ts'
import { codec } from './codec.ts'
import { engine } from './engine.ts'
import { evmExecution } from './evm_execution.ts'
import { feeds } from './feeds.ts'
import { fused } from './fused.ts'
import { latency } from './latency.ts'
import { log } from './log_table.ts'
import { memory } from './memory.ts'
import { model } from './model.ts'
import { nexmark } from './nexmark.ts'
import { nexmarkBlocks } from './nexmark_blocks.ts'
import { rpcHanging } from './rpc_hanging.ts'
import type { Bench } from './support.ts'
import { sweep } from './sweep.ts'
import { takeover } from './takeover.ts'
import { tape } from './tape.ts'

const benches: Readonly<Record<string, Bench>> = {
  fused,
  model,
  engine,
  backtest,
  tape,
  sweep,
  codec,
  memory,
  log,
  nexmark,
  nexmark_blocks: nexmarkBlocks,
  latency,
  takeover,
  feeds,
  rpc_hanging: rpcHanging,
  evm_execution: evmExecution,
}
const usage = `usage: npm run bench -- NAME... [--rounds N] [--json], or all

${Object.entries(benches)
  .map(([name, { summary }]) => `  ${name.padEnd(8)} ${summary}`)
  .join('\n')}
`

/** Columns of equal width; numbers to the right. */
function textOf(rows: readonly (readonly (string | number)[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => String(row[column] ?? '').length)))
  const cell = (value: string | number, column: number) =>
    typeof value === 'number' ? String(value).padStart(widths[column]!) : value.padEnd(widths[column]!)
  return rows.map((row) => row.map(cell).join('  ').trimEnd()).join('\n')
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { json: { type: 'boolean', default: false }, rounds: { type: 'string', default: '5' } },
  })
  const rounds = Number(values.rounds)
  const names = positionals.includes('all') ? Object.keys(benches) : positionals
  const unknown = names.find((name) => !(name in benches))
  if (names.length === 0 || unknown !== undefined || !Number.isInteger(rounds) || rounds < 1) {
    if (unknown !== undefined) process.stderr.write(`no benchmark is named "${unknown}"\n`)
    const asked = names.length === 0
    ;(asked ? process.stdout : process.stderr).write(usage)
    return asked ? 0 : 2
  }
  const results: Record<string, unknown> = {}
  for (const name of names) {
    const bench = benches[name]!
    const result = await bench.run((words) => process.stderr.write(`${words}\n`), { rounds })
    results[name] = result
    if (!values.json) process.stdout.write(`${name}: ${bench.summary}\n\n${textOf(bench.table(result))}\n\n`)
  }
  if (values.json)
    process.stdout.write(`${JSON.stringify(names.length === 1 ? results[names[0]!] : results, null, 2)}\n`)
  return 0
}
process.exitCode = await main()
