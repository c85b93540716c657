import { execFileSync } from 'node:child_process'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
/** A folder a suite: two may run at a time. */
const folderOf = (file: string) => here(`../../node_modules/.cache/tidegate_crash/${basename(file, '.js')}`)

/** Children are compiled once: most of the time of a run is starting processes. Gives the path of a compiled file. */
export function compile(file: string): string {
  const compiled = folderOf(file)
  const compiler = here('../../node_modules/ts7/bin/tsc')
  const options = ['--noEmit', 'false', '--declaration', 'false', '--sourceMap', 'false', '--outDir', compiled]
  execFileSync(process.execPath, [compiler, '-p', here('../../tsconfig.json'), ...options], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  return join(compiled, file)
}
