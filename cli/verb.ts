import type { Catalogue } from '../runtime/define.ts'

/** One option of a verb. Every verb also has --json, --help and, where it reads a definition, --set. */
export interface Option {
  readonly type: 'string' | 'boolean'
  readonly multiple?: boolean
  readonly short?: string
  /** What the value stands for, in the usage line. */
  readonly value?: string
  readonly help: string
}
export interface Args {
  readonly positionals: readonly string[]
  readonly flags: ReadonlySet<string>
  readonly values: Readonly<Record<string, readonly string[]>>
  /** The last value of an option. */
  value(name: string): string | undefined
}
/** Where a verb speaks: documents and lines on stdout, words for people and progress on stderr. */
export interface Io {
  readonly json: boolean
  /** The one document of a verb: printed as JSON with --json, else by `render`. */
  document(value: unknown, render: () => string): void
  /** One message of a stream: a JSON line with --json, else `text`. */
  line(value: unknown, text: string): void
  say(text: string): void
  progress(text: string): void
  stdin(): AsyncIterable<string>
}
export interface Context {
  readonly io: Io
  /** The built-in components and those of the project's tidegate.config. */
  catalogue(near?: string): Promise<Catalogue>
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Every verb there is: for those that tell of verbs. */
  readonly verbs: readonly Verb[]
}
export interface Verb {
  readonly name: string
  readonly summary: string
  /** After the name: `FILE --tape TAPE`. */
  readonly form: string
  readonly positionals: { readonly min: number; readonly max: number }
  readonly options: Readonly<Record<string, Option>>
  readonly notes?: string
  run(args: Args, context: Context): Promise<number | void>
}
