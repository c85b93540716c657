import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { TidegateError } from '../../schemas/errors.ts'
import { compareWith, folderOfPage, pagesOf } from '../describe/pages.ts'
import type { Verb } from '../verb.ts'

export const docsVerb: Verb = {
  name: 'docs',
  summary: 'Writes the reference: a page per component, kind, format, verb and error code, and the schema for editors.',
  form: '[DIR] [--check]',
  positionals: { min: 0, max: 1 },
  options: { check: { type: 'boolean', help: 'write nothing; exit code 1 when a page is not as it would be written' } },
  notes:
    'The pages go to DIR/docs and DIR/schemas, DIR being the current directory when left out. In a project they hold its own components too.',
  async run({ positionals: [root = '.'], flags }, { io, catalogue, verbs }) {
    const pages = pagesOf(await catalogue(root), verbs)
    const { missing, stale, surplus, foreign } = compareWith(root, pages)
    const changed = [...missing, ...stale, ...surplus]
    const checking = flags.has('check')
    if (!checking) {
      if (foreign.length > 0)
        throw new TidegateError(
          'USAGE',
          `docs: expected pages of its own, found files of somebody else: ${foreign.join(', ')}; move them away, or name another DIR`,
          { foreign },
        )
      for (const path of [...missing, ...stale]) {
        mkdirSync(folderOfPage(root, path), { recursive: true })
        writeFileSync(join(root, path), pages.get(path) as string)
      }
      for (const path of surplus) rmSync(join(root, path))
    }
    const fresh = changed.length === 0
    io.document({ pages: pages.size, fresh, written: !checking, missing, stale, surplus }, () => {
      if (fresh) return `${pages.size} pages, all as they should be`
      const names = [
        ...missing.map((p) => `new      ${p}`),
        ...stale.map((p) => `changed  ${p}`),
        ...surplus.map((p) => `gone     ${p}`),
      ]
      return [
        ...names,
        '',
        `${pages.size} pages; ${changed.length} ${checking ? 'differ: run `tidegate docs`' : 'written or removed'}`,
      ].join('\n')
    })
    return checking && !fresh ? 1 : 0
  },
}
