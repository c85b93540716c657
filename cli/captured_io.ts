import type { Io } from './verb.ts'

/** Streams of a command line, kept in memory: tests and golden cases run verbs through it. */
export interface Captured {
  readonly io: Io
  /** The last document. */
  readonly document: () => Record<string, unknown>
  readonly lines: readonly Record<string, unknown>[]
  readonly said: () => string
}

export function capturedIo(stdin: readonly string[] = []): Captured {
  let last: Record<string, unknown> = {}
  let words = ''
  const lines: Record<string, unknown>[] = []
  const io: Io = {
    json: true,
    document(value) {
      last = value as Record<string, unknown>
    },
    line: (value) => lines.push(value as Record<string, unknown>),
    say(text) {
      words += `${text}\n`
    },
    progress() {},
    async *stdin() {
      yield* stdin
    },
  }
  return { io, document: () => last, lines, said: () => words }
}
