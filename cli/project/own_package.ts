import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Where this package lies, built or not: the nearest folder above with its package.json. */
export function packageFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!isOurs(folder)) {
    if (folder === dirname(folder)) throw new Error('package.json of tidegate was not found above its own files')
    folder = dirname(folder)
  }
  return folder
}
const isOurs = (folder: string): boolean =>
  existsSync(join(folder, 'package.json')) && manifest(folder).name === 'tidegate'
const manifest = (folder: string) =>
  JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { name?: string; version: string }
export const packageVersion = (): string => manifest(packageFolder()).version

/** What a project names to depend on this package: the version where npm installed it, else the folder it lies in. */
export function packageSource(): string {
  const folder = packageFolder()
  return folder.split(sep).includes('node_modules') ? packageVersion() : `file:${folder}`
}
