import type { Verb } from './verb.ts'
import { backtestVerb } from './verbs/backtest.ts'
import { demoVerb } from './verbs/demo.ts'
import { importVerb } from './verbs/import.ts'
import { parityVerb } from './verbs/parity.ts'
import { replayVerb } from './verbs/replay.ts'
import { runVerb } from './verbs/run.ts'
import { tapeVerb } from './verbs/tape.ts'

/** Every verb, in the order people meet them. */
export const verbs: readonly Verb[] = [demoVerb, importVerb, tapeVerb, backtestVerb, runVerb, replayVerb, parityVerb]
