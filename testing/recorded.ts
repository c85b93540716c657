import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

/** The lines of a recording, gzipped or not. */
export function linesOf(path: string): string[] {
  const bytes = readFileSync(path)
  const text = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString()
  return text.split('\n').filter((line) => line !== '')
}
/** What a venue said in a session that cryptofeed recorded, in order. */
export const saidIn = (path: string): string[] =>
  linesOf(path)
    .map((line) => JSON.parse(line) as { readonly dir: string; readonly raw?: string })
    .flatMap(({ dir, raw }) => (dir === 'in' && raw !== undefined ? [raw] : []))
