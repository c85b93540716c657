import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { z } from 'zod'
import { captured } from '../../cli/describe/captured.ts'

const Golden = z.strictObject({
  what: z.string(),
  origin: z.string(),
  data: z.strictObject({ path: z.string(), sha256_unpacked: z.string().length(64) }),
  import: z.array(z.string()),
  backtest: z.array(z.string()),
  expected: z.record(z.string(), z.unknown()),
})
export type Golden = z.output<typeof Golden>

export const folder = (name: string): string => fileURLToPath(new URL(name, import.meta.url))
export const readGolden = (name: string): Golden =>
  Golden.parse(JSON.parse(readFileSync(join(folder(name), 'golden.json'), 'utf8')))
export const dataFile = ({ data }: Golden): string => join(process.env['TIDEGATE_DATA'] ?? 'data', data.path)
export const present = (golden: Golden): boolean => existsSync(dataFile(golden))

/** Imports the data of a golden case and backtests its pipeline, through the command line as anybody would. */
export async function runGolden(name: string): Promise<Record<string, unknown>> {
  const golden = readGolden(name)
  const file = dataFile(golden)
  const sha256 = createHash('sha256')
    .update(gunzipSync(readFileSync(file)))
    .digest('hex')
  if (sha256 !== golden.data.sha256_unpacked)
    throw new Error(`${file}: expected sha256 ${golden.data.sha256_unpacked}, found ${sha256}`)
  const directory = mkdtempSync(join(tmpdir(), 'tidegate-golden-'))
  const tape = join(directory, 'golden.tape')
  try {
    const steps = [
      ['import', ...golden.import.map((word) => (word === 'FILE' ? file : word === 'TAPE' ? tape : word))],
      ['backtest', join(folder(name), 'pipeline.yaml'), '--tape', tape, ...golden.backtest],
    ]
    const runs = []
    for (const argv of steps) runs.push(await captured([...argv, '--json']))
    for (const { code, stderr } of runs) if (code !== 0) throw new Error(stderr)
    return runs.at(-1)?.json<Record<string, unknown>>() ?? {}
  } finally {
    rmSync(directory, { recursive: true })
  }
}
