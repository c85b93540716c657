import { runGolden } from './golden.ts'

process.stdout.write(`${JSON.stringify(await runGolden(process.argv[2] ?? ''), undefined, 2)}\n`)
