import type { Kind } from '../schemas/kind.ts'

/** A node that threw, and on what. */
export interface Failure {
  readonly node: string
  readonly operator: string
  readonly key: string
  /** Event time of what it was called with, µs. */
  readonly at: number
  /** Number of the input row that was being taken, counted over all sources from 1. */
  readonly row: number
  readonly cause: unknown
}

/** Is told every output of one edge, in the order of emission; `code` is the small number that stands for the key in this engine. */
export type Recorder = (key: string, at: number, ordinal: number, value: unknown, code: number) => void

/** Where the messages of an engine can be watched. */
export interface Watch {
  /** Asked once for every edge that is recorded: who is told its outputs. */
  readonly output?: (edge: string, kind: Kind) => Recorder
  /** A node threw: it is left out for that key from here on, everything else goes on. */
  readonly failed?: (failure: Failure) => void
  /** Every message on every edge: tracing and tests. Interpreted. */
  readonly message?: (edge: string, key: string, at: number, value: unknown) => void
  /** Every answer of every node, in the author's form. Interpreted. */
  readonly answer?: (node: string, answer: unknown, key: string, at: number) => void
  /** Freeze messages and answers, so that a write to them throws. Interpreted. */
  readonly strict?: boolean
}
