import { plan } from '../../runtime/plan.ts'
import { codes } from '../../schemas/errors.ts'
import { natsOptions } from '../cluster.ts'
import { folderOf, loadDefinition } from '../definition.ts'
import { tickLevel } from '../describe/explain.ts'
import {
  clock,
  connections,
  disk,
  type Finding,
  natsServer,
  node,
  optionalPeers,
  postgres,
  recordedData,
  type Status,
  tickNodes,
  tsx,
} from '../project/doctor_checks.ts'
import { natsAddress } from '../project/nats_address.ts'
import type { Verb } from '../verb.ts'

const marks: Readonly<Record<Status, string>> = {
  ok: 'ok     ',
  warning: 'WARNING',
  missing: 'MISSING',
  absent: '-      ',
}

export const doctorVerb: Verb = {
  name: 'doctor',
  summary: 'Says what is here and what is missing, each with the fix.',
  form: '[FILE]',
  positionals: { min: 0, max: 1 },
  options: natsOptions,
  notes:
    'Exit code 4 when a required part is missing. Parts marked with a dash may be absent. With a definition it also counts the nodes that every tick calls, and warns beyond twelve.',
  async run(args, context) {
    const { io, environment, catalogue } = context
    const [file] = args.positionals
    const findings: Finding[] = [
      node(process.version),
      tsx(),
      disk('.'),
      await clock(),
      natsServer(environment),
      await natsAddress(args, context),
      postgres(environment),
      recordedData(environment),
      ...optionalPeers(),
      ...connections(),
    ]
    if (file !== undefined)
      findings.push(tickNodes(tickLevel(plan(await loadDefinition(file), await catalogue(folderOf(file))))))
    const missing = findings.filter((f) => f.status === 'missing')
    io.document({ ok: missing.length === 0, parts: findings }, () => {
      const width = Math.max(...findings.map((f) => f.part.length))
      const rows = findings.map(
        ({ part, status, found, fix }) =>
          `${marks[status]}  ${part.padEnd(width)}  ${found}${fix ? `\n${' '.repeat(width + 11)}${fix}` : ''}`,
      )
      return [
        ...rows,
        '',
        missing.length === 0 ? 'Everything required is here.' : `Missing: ${missing.map((f) => f.part).join(', ')}.`,
      ].join('\n')
    })
    return missing.length === 0 ? 0 : codes.FILE_ABSENT.exit
  },
}
