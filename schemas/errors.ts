/**
 * Every expected failure that stops a job has a stable code. The table is the source of the pages in docs/errors.
 * `exit` is the exit code of the command line: 1 job failed, 2 wrong usage, 3 definition or configuration invalid,
 * 4 a needed part is missing, 5 refused for safety.
 */
export const codes = {
  USAGE: {
    exit: 2,
    summary: 'The command line is not one Tidegate knows.',
    fix: 'Run `tidegate help VERB` for the form of the verb.',
  },
  DEFINITION_INVALID: {
    exit: 3,
    summary: 'The pipeline definition has problems; all of them are listed with their paths.',
    fix: 'Mend the listed paths, then run `tidegate check FILE`.',
  },
  DEFINITION_UNREADABLE: {
    exit: 3,
    summary: 'The definition file is absent, is not YAML or JSON, or exports no pipeline.',
    fix: 'Mend the place the message names; a definition is a .yaml, .json or .ts file, and a .ts file exports its pipeline as default.',
  },
  CONFIG_INVALID: {
    exit: 3,
    summary: 'The tidegate.config of a project cannot be loaded, or lists what is no component.',
    fix: 'Mend what the message names; the default export is `{ operators: [...], sources: [...], sinks: [...] }`, lists of what `defineOperator`, `defineSource` and `defineSink` give.',
  },
  PARAMS_INVALID: {
    exit: 3,
    summary: 'The params of a component do not fit its schema.',
    fix: 'Run `tidegate operators NAME` for the params of a component; docs/formats.md has the options of import formats.',
  },
  UNKNOWN_COMPONENT: {
    exit: 3,
    summary: 'No component of that name is in the catalogue.',
    fix: 'Run `tidegate operators` or `tidegate kinds` for the list.',
  },
  BINDING_INVALID: {
    exit: 3,
    summary: 'A source is not bound to data it can carry.',
    fix: 'Bind each source with `--bind NODE=TAPE[:SYMBOL]` to a tape of the kind the source gives.',
  },
  PLAN_MISMATCH: {
    exit: 5,
    summary: 'The log belongs to another plan than the definition gives now, or to another release.',
    fix: 'Name another log directory, or run the definition and the release the log was made with.',
  },
  KERNEL_FAILED: {
    exit: 4,
    summary: 'The kernel of a node (a model, a library) could not be opened.',
    fix: 'Read the reason in the message: a file may be absent, or an optional package not installed.',
  },
  INPUT_INVALID: {
    exit: 3,
    summary: 'A row of input does not fit its format or kind.',
    fix: 'See the line in the message; `tidegate import --skip-invalid` counts rows that do not fit and goes on.',
  },
  FILE_ABSENT: {
    exit: 4,
    summary: 'A file or directory that was named is not there.',
    fix: 'Check the path in the message.',
  },
  FILE_UNWRITABLE: {
    exit: 1,
    summary: 'A file of results could not be written.',
    fix: 'Name a directory that can be written, with none of its files in the way.',
  },
  MEMORY_SHORT: {
    exit: 4,
    summary: 'The rows of a sweep do not fit in the memory they may take.',
    fix: 'Take less of the tape with --from and --to or one symbol with TAPE:SYMBOL, or allow more with --max-memory.',
  },
  FORMAT_UNKNOWN: {
    exit: 2,
    summary: 'No import or export format of that name.',
    fix: 'Run `tidegate import --help` for the list of formats.',
  },
  PACKAGE_ABSENT: {
    exit: 4,
    summary: 'A package that only some jobs need is not installed, or not for this platform.',
    fix: 'Install the package the message names, beside tidegate.',
  },
  FRAME_CORRUPT: {
    exit: 1,
    summary: 'The bytes of a frame are damaged: its length, checksum or columns do not hold together.',
    fix: 'Record or import the data again; the rest of the file is untouched.',
  },
  FRAME_SCHEMA: {
    exit: 3,
    summary: 'A frame was written with another version of its kind.',
    fix: 'Import the original data again with this version, or read it with the version that wrote it.',
  },
  TAPE_TRUNCATED: {
    exit: 1,
    summary: 'The tape has no trailer: its writing was cut short, or the file was.',
    fix: 'Import or copy the tape again.',
  },
  TAPE_CORRUPT: { exit: 1, summary: 'A record of the tape is damaged.', fix: 'Import or copy the tape again.' },
  LOG_CORRUPT: {
    exit: 1,
    summary: 'A record in the middle of a log is damaged, with sound records after it.',
    fix: 'Restore the log directory from a copy; nothing was cut.',
  },
  LOG_LOCKED: {
    exit: 4,
    summary: 'Another process writes this log.',
    fix: 'Stop the other process, or name another log directory.',
  },
  JOURNAL_CORRUPT: {
    exit: 5,
    summary: 'The journal of a signer is damaged: what was signed is not known for certain.',
    fix: 'Restore the file from a copy. Without one: stop, look at what the signer sent on the chain, move the journal away and begin a new one.',
  },
  JOURNAL_NEWER: {
    exit: 5,
    summary: 'The journal of a signer was written by a newer version of Tidegate.',
    fix: 'Run the version that wrote it, or a later one.',
  },
  JOURNAL_FOREIGN: {
    exit: 5,
    summary: 'The journal in this place belongs to another signer or chain.',
    fix: 'Name another directory for journals with TIDEGATE_JOURNALS.',
  },
  JOURNAL_UNREACHABLE: {
    exit: 4,
    summary: 'The database that holds the journal of a signer does not answer, or refuses.',
    fix: 'See the reason in the message, and mend the database or the address in TIDEGATE_JOURNAL_URL. What was signed stands in the journal: start again, and it goes on from there.',
  },
  SIGNER_HALTED: {
    exit: 5,
    summary: 'The signer was halted: something happened that a human must look at before anything new is signed.',
    fix: 'Run `tidegate reconcile`; when all is understood, `tidegate reconcile --resume`.',
  },
  ENDPOINT_UNREACHABLE: {
    exit: 4,
    summary: 'None of the nodes of a chain answers.',
    fix: 'Check the addresses, the network and the limits of the providers; name more than one endpoint.',
  },
  MARKET_UNKNOWN: {
    exit: 3,
    summary: 'A transaction is under way for an instrument that the execution sink has no market for.',
    fix: 'Run the pipeline it belongs to until it has ended, or add the instrument to the `markets` of the sink.',
  },
  SIGNING_REFUSED: {
    exit: 5,
    summary: 'A transaction was about to be signed that does something the definition does not name.',
    fix: 'Look at the contracts the market names; if they are right, this is a defect: report it.',
  },
  CONTRACT_ABSENT: {
    exit: 3,
    summary: 'There is no contract at an address that the definition names.',
    fix: 'Check the address, and that the endpoints serve the chain it is on.',
  },
  LOG_CONFLICT: {
    exit: 5,
    summary: 'The log has grown since it was last read: another writer was here, and this one is fenced.',
    fix: 'Start the run again; it resumes from what is committed.',
  },
  LOG_LOST: {
    exit: 5,
    summary: 'The input log no longer holds what the last commit points at, or is another log.',
    fix: 'Name a place that the log still holds, restore the log from a copy, or start with an empty one.',
  },
  RECORDING_UNWRITABLE: {
    exit: 1,
    summary: 'Raw frames could not be written; the recording holds every line that was written before.',
    fix: 'Free disk space or name another directory, then start the recording again: it goes on in a new file.',
  },
  RECORDING_CORRUPT: {
    exit: 1,
    summary: 'A line of a recording of raw frames cannot be read.',
    fix: 'Copy the file again; or take the file the message names out of the folder, and the frames in it are a hole.',
  },
  LOG_UNWRITABLE: {
    exit: 1,
    summary: 'A record could not be written; the log holds everything that was committed before it.',
    fix: 'Free disk space or mend the disk, then start the run again; it resumes from what is committed.',
  },
  LOG_REFUSED: {
    exit: 1,
    summary: 'The server did not take a record, and will not take it if it is sent again.',
    fix: 'The message has its reason: a stream that is full needs more room (`nats stream edit`, or delete what is old); a server with insufficient resources needs a larger disk or `max_file_store`, and whoever wrote goes on where it was when started again; a message that is too large needs a higher `max_payload` of the server (1 MB unless set).',
  },
  NATS_UNREACHABLE: {
    exit: 4,
    summary: 'No NATS server answers at the address.',
    fix: 'Start one (`nats-server -a 127.0.0.1 -js -sd DIR`; Debian: `apt-get install nats-server`), or name another with --nats.',
  },
  NATS_REFUSED: {
    exit: 4,
    summary:
      'The NATS server refused the connection or an action: the credentials are wrong, or the role may not do this.',
    fix: 'Name the file of the right credentials with --creds or TIDEGATE_CREDS; docs/security.md lists what each role may do.',
  },
  JETSTREAM_OFF: {
    exit: 4,
    summary: 'The NATS server, or this account on it, has no JetStream.',
    fix: 'Start the server with `-js` and a store (`-sd DIR`); with accounts, enable `jetstream` in the account.',
  },
  SERVER_TOO_OLD: {
    exit: 4,
    summary: 'The NATS server lacks something that is needed, and older servers would drop it without a word.',
    fix: 'One node needs 2.9.10, a cluster 2.10.27; production 2.12.9 or newer.',
  },
  PIPELINE_UNKNOWN: {
    exit: 3,
    summary: 'No pipeline of that name, or no such version of it, is deployed.',
    fix: 'Run `tidegate status` for what is deployed, or `tidegate deploy FILE`.',
  },
  DEPLOY_REFUSED: {
    exit: 5,
    summary: 'A definition was not deployed or promoted; every reason is listed.',
    fix: 'Mend what the list names. State of money (orders, positions) is lost only where --drop-state names the node.',
  },
  DEPLOYED_ELSEWHERE: {
    exit: 3,
    summary: 'A deployed definition means something else to this worker: its components or its release differ.',
    fix: 'Run the worker from the project, and with the release, that deployed it; `tidegate status` shows both.',
  },
  WORKER_NAME_TAKEN: {
    exit: 4,
    summary: 'Another worker of that name is at work.',
    fix: 'Give each worker a name of its own with --name.',
  },
  STREAM_DIFFERS: {
    exit: 4,
    summary: 'A stream is there with other settings, or the server did not take the settings it was given.',
    fix: 'Delete or rename the stream that is in the way, or use a newer server.',
  },
  OPERATOR_FAILED: {
    exit: 1,
    summary: 'An operator threw: the message names the node, key and event time.',
    fix: 'Run `tidegate drive` with the row that failed; then mend the operator.',
  },
  SOURCE_FAILED: {
    exit: 4,
    summary: 'A source could not start.',
    fix: 'See the message for what was tried; check the address and the network.',
  },
  ENDPOINT_UNKNOWN: {
    exit: 3,
    summary: 'An endpoint that a definition names has no address, or one of another scheme.',
    fix: 'Give it with `--endpoint NAME=URL`, or set the environment variable the message names. Addresses hold keys, so they stay out of definitions.',
  },
  CHAIN_MISMATCH: {
    exit: 5,
    summary: 'Every endpoint serves another chain than the definition names.',
    fix: 'Compare `chain_id` of the definition with the chain the message names, and give endpoints of the same chain. Nothing was sent.',
  },
  KEY_UNSAFE: {
    exit: 5,
    summary: 'A file with a key or a passphrase can be read by others, is not yours, or is not a plain file.',
    fix: 'Make it yours alone: `chmod 600 FILE`, and the folder `chmod 700 FOLDER`. If others could read it, move the funds to a new key.',
  },
  KEY_INVALID: {
    exit: 3,
    summary: 'A key could not be opened, or does not belong to the address that was named.',
    fix: 'Check the passphrase (TIDEGATE_KEY_PASSPHRASE or the file TIDEGATE_KEY_PASSPHRASE_FILE names) and the address; `tidegate keys list` shows what is there.',
  },
  PARITY_BROKEN: {
    exit: 5,
    summary: 'Recomputing the log did not give the outputs that were committed.',
    fix: 'The first difference is named by node, key and time; the operator there is not deterministic or has changed.',
  },
  LIVE_REFUSED: {
    exit: 5,
    summary: 'Live trading was not started.',
    fix: 'Paper is the default. Live needs `--confirm PIPELINE` and sinks that have a live side.',
  },
  TEST_FAILED: {
    exit: 1,
    summary: 'A pipeline test did not give what it expects.',
    fix: 'The message shows what was expected and what came.',
  },
} as const

export type ErrorCode = keyof typeof codes

/** An expected failure: machine code, sentence for the person who must act, and typed facts. */
export class TidegateError extends Error {
  override readonly name = 'TidegateError'
  readonly code: ErrorCode
  readonly info: Readonly<Record<string, unknown>>
  constructor(code: ErrorCode, message: string, info: Readonly<Record<string, unknown>> = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.info = info
  }
  get exit(): number {
    return codes[this.code].exit
  }
}

/** True for our own errors, also those of another copy of the library. */
export const isTidegateError = (error: unknown): error is TidegateError =>
  error instanceof Error && error.name === 'TidegateError' && 'code' in error
