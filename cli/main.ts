#!/usr/bin/env node
import { realpathSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { nearest } from '../runtime/nearest.ts'
import { codes, isTidegateError, TidegateError } from '../schemas/errors.ts'
import { readArgs } from './args.ts'
import { catalogueNear } from './catalogue.ts'
import { helpOf, overview, verbFacts } from './help.ts'
import { standardIo } from './io.ts'
import { packageVersion } from './project/own_package.ts'
import type { Io } from './verb.ts'
import { verbs } from './verbs.ts'

/** Runs one command line and gives its exit code. */
export async function main(argv: readonly string[], io: Io = standardIo(argv.includes('--json'))): Promise<number> {
  try {
    const [name, ...rest] = argv
    if (name === undefined || name === '--help' || name === '-h') {
      if (name === undefined) io.say(overview(verbs))
      else
        io.document({ verbs: verbs.map((v) => ({ name: v.name, form: v.form, summary: v.summary })) }, () =>
          overview(verbs),
        )
      return name === undefined ? codes.USAGE.exit : 0
    }
    if (name === '--version' || name === '-V') {
      const version = packageVersion()
      io.document({ version }, () => version)
      return 0
    }
    const verb = verbs.find((v) => v.name === name)
    if (verb === undefined) {
      const near = nearest(
        name,
        verbs.map((v) => v.name),
      )
      throw new TidegateError('USAGE', `no verb "${name}"${near ? `; did you mean "${near}"?` : ''}`, { verb: name })
    }
    const args = readArgs(verb, rest)
    if (args.flags.has('help')) {
      io.document(verbFacts(verb), () => helpOf(verb))
      return 0
    }
    const code = await verb.run(args, { io, catalogue: catalogueNear, environment: process.env, verbs })
    return code ?? 0
  } catch (error) {
    return complain(error, io)
  }
}

/** What went wrong, for the person who must act; with --json also as a document. */
function complain(error: unknown, io: Io): number {
  if (!isTidegateError(error)) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
    io.say(`internal error: ${text}`)
    if (io.json)
      io.document(
        { error: { code: 'INTERNAL', message: error instanceof Error ? error.message : String(error) } },
        () => '',
      )
    return 1
  }
  const { code, message, info } = error
  const { fix, exit } = codes[code]
  io.say(`${code}: ${message}\n  try: ${fix}\n  see: docs/errors/${code}.md`)
  if (io.json) io.document({ error: { code, message, fix, ...info } }, () => '')
  return exit
}

const [, entry] = process.argv
if (entry !== undefined && realpathSync(entry) === fileURLToPath(import.meta.url)) {
  // a reader that closes the pipe early (head) is no failure of ours
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
  process.exitCode = await main(process.argv.slice(2))
  // the NATS client keeps the socket of a connection that was never answered
  setTimeout(() => process.exit(), 1_000).unref()
}
