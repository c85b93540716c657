import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { TidegateError } from '../../schemas/errors.ts'
import { projectFiles } from '../project/files.ts'
import type { Verb } from '../verb.ts'

export const initVerb: Verb = {
  name: 'init',
  summary: 'Makes a working project: a pipeline in YAML and TypeScript with its tests, and an operator of its own.',
  form: 'DIR',
  positionals: { min: 1, max: 1 },
  options: {},
  notes:
    'DIR must be absent or empty (a .git is no harm). Afterwards: `npm install`, then `npm test` and `npm run backtest` there. A project that a checkout made depends on that checkout, by its path.',
  async run({ positionals: [folder = ''] }, { io }) {
    if (existsSync(folder)) {
      if (!statSync(folder).isDirectory())
        throw new TidegateError('USAGE', `init ${folder}: expected a directory, found a file`, { folder })
      const held = readdirSync(folder).filter((name) => name !== '.git')
      if (held.length > 0)
        throw new TidegateError(
          'USAGE',
          `init ${folder}: expected an empty directory, found ${held.slice(0, 3).join(', ')}${held.length > 3 ? ` and ${held.length - 3} more` : ''}`,
          { folder, held: held.length },
        )
    }
    const files = projectFiles(folder)
    for (const [path, text] of files) {
      mkdirSync(dirname(join(folder, path)), { recursive: true })
      writeFileSync(join(folder, path), text)
    }
    io.document({ folder, files: [...files.keys()] }, () =>
      [
        `made ${folder}:`,
        ...[...files.keys()].map((path) => `  ${path}`),
        '',
        `next: cd ${folder} && npm install && npm test && npm run backtest`,
      ].join('\n'),
    )
  },
}
