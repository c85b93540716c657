import { wallClock } from '../../runtime/clock.ts'
import { plan as planOf } from '../../runtime/plan.ts'
import { TidegateError } from '../../schemas/errors.ts'
import { openJournal, readJournal } from '../../sinks/evm/open_executor.ts'
import { resume } from '../../sinks/evm/resume.ts'
import { folderOf, loadDefinition, setOption } from '../definition.ts'
import { endpointOption } from '../endpoints.ts'
import { storedRunOptions } from '../stored_run.ts'
import { consented, type EvmSide, evmSideOf, sinksMeant } from '../trading/evm_side.ts'
import { evmSinksOf, secretsOf } from '../trading/journals.ts'
import { liveRun, logSidesOf } from '../trading/log_side.ts'
import { type Reconciled, reconciled, reconciledText } from '../trading/reconciled.ts'
import type { Args, Context, Verb } from '../verb.ts'

export const reconcileVerb: Verb = {
  name: 'reconcile',
  summary: 'Compares journal, chain and log of what trades, on the union of all sides; takes a halted signer up again.',
  form: 'FILE [--node NODE] [--resume --confirm ADDRESS]',
  positionals: { min: 1, max: 1 },
  options: {
    ...storedRunOptions,
    live: { type: 'boolean', help: 'the live run, in .tidegate/PIPELINE.live: it is the one that is compared anyway' },
    set: setOption,
    node: { type: 'string', value: 'NODE', help: 'this execution sink alone' },
    endpoint: endpointOption,
    resume: { type: 'boolean', help: 'take nonce and balances of the chain as they are, and let new orders be signed' },
    confirm: { type: 'string', value: 'ADDRESS', help: 'consent to --resume: the address of the signer' },
  },
  notes:
    'Each transaction of the journal is looked for in the chain, each nonce of the chain in the journal, each fill of the log in the journal and the other way round; balances are compared with those the journal began with and what its orders moved since, to the unit. Needs no key and works beside a run that is going on. Findings say whether the run mends them by itself or somebody must look; exit code 0 when nothing needs anybody, 1 when something does, 5 while the signer is halted. --resume is for when all is understood: it writes to the journal, so no run may hold it.',
  async run(args, context) {
    const [file = ''] = args.positionals
    const plan = planOf(await loadDefinition(file, args), await context.catalogue(folderOf(file)), 'live')
    const sinks = sinksMeant(evmSinksOf(plan), plan.pipeline, args.value('node'))
    const sides = sinks.map((sink) => evmSideOf(sink, args, context))
    const run = await liveRun(args, context)
    try {
      if (args.flags.has('resume')) await resumed(sides, plan.pipeline, args, context)
      const results: Reconciled[] = []
      for (const side of sides) {
        const log = run && (async () => (await logSidesOf(run))(side.node))
        results.push(await reconciled(side, secretsOf(context), log))
      }
      const findings = results.flatMap(({ node, findings: of }) => of.map((finding) => ({ node, ...finding })))
      const agrees = results.every((result) => result.agrees)
      context.io.document({ pipeline: plan.pipeline, agrees, log: run?.where ?? null, findings, sinks: results }, () =>
        results.map(reconciledText).join('\n'),
      )
      if (results.some(({ halted }) => halted !== null)) return 5
      return agrees ? 0 : 1
    } finally {
      for (const { nodes } of sides) nodes.close()
      await run?.close()
    }
  },
}

/** @throws LIVE_REFUSED without consent, LOG_LOCKED while a run holds the journal, SIGNER_HALTED, FILE_ABSENT */
async function resumed(sides: readonly EvmSide[], pipeline: string, args: Args, context: Context): Promise<void> {
  const [first] = sides as readonly [EvmSide]
  const given = args.value('confirm')?.toLowerCase()
  const side = sides.find(({ of }) => of.signer === given) ?? first
  consented(args, { pipeline, address: side.of.signer, to: 'taking a signer up again' })
  const secret = secretsOf(context)
  if ((await readJournal(secret, side.of)) === undefined)
    throw new TidegateError('FILE_ABSENT', `${side.of.signer} has no journal on ${side.of.chain}: nothing to resume`)
  const opened = await openJournal({ clock: wallClock, secret }, side.of)
  try {
    const by = context.environment['USER'] ?? 'somebody at the command line'
    const nonce = await resume({ ...side, opened, clock: wallClock, by })
    context.io.say(`${side.of.signer}: taken up again at nonce ${nonce}`)
  } finally {
    await opened.journal.close()
  }
}
