import { existsSync, readFileSync } from 'node:fs'
import { extname } from 'node:path'
import { isNode, isPair, LineCounter, parseDocument, visit } from 'yaml'

/** Where a path of a definition stands in its YAML or JSON file: `7:12`, or undefined. */
export function placesIn(file: string): (path: string) => string | undefined {
  if (!existsSync(file) || !['.yaml', '.yml', '.json'].includes(extname(file))) return () => undefined
  const lines = new LineCounter()
  const document = parseDocument(readFileSync(file, 'utf8'), { lineCounter: lines })
  const starts = new Map<string, number>()
  visit(document, {
    Pair(_key, pair, parents) {
      const keys = [...parents.filter(isPair), pair].map((p) => String(p.key))
      if (isNode(pair.key) && pair.key.range) starts.set(keys.join('.'), pair.key.range[0])
    },
  })
  return (path) => {
    for (let parts = path.split('.'); parts.length > 0; parts = parts.slice(0, -1)) {
      const start = starts.get(parts.join('.'))
      if (start !== undefined) {
        const { line, col } = lines.linePos(start)
        return `${line}:${col}`
      }
    }
    return undefined
  }
}
