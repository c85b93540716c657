import type { Verb } from './verb.ts'
import { backtestVerb } from './verbs/backtest.ts'
import { checkVerb } from './verbs/check.ts'
import { demoVerb } from './verbs/demo.ts'
import { deployVerb } from './verbs/deploy.ts'
import { diffVerb } from './verbs/diff.ts'
import { dlqVerb } from './verbs/dlq.ts'
import { docsVerb } from './verbs/docs.ts'
import { doctorVerb } from './verbs/doctor.ts'
import { driveVerb } from './verbs/drive.ts'
import { explainVerb } from './verbs/explain.ts'
import { graphVerb } from './verbs/graph.ts'
import { helpVerb } from './verbs/help.ts'
import { importVerb } from './verbs/import.ts'
import { initVerb } from './verbs/init.ts'
import { keysVerb } from './verbs/keys.ts'
import { kindsVerb } from './verbs/kinds.ts'
import { lagVerb } from './verbs/lag.ts'
import { operatorsVerb } from './verbs/operators.ts'
import { ordersVerb } from './verbs/orders.ts'
import { parityVerb } from './verbs/parity.ts'
import { drainVerb, pauseVerb, resumeVerb } from './verbs/pause.ts'
import { positionsVerb } from './verbs/positions.ts'
import { promoteVerb, rollbackVerb } from './verbs/promote.ts'
import { reconcileVerb } from './verbs/reconcile.ts'
import { recordVerb } from './verbs/record.ts'
import { replayVerb } from './verbs/replay.ts'
import { runVerb } from './verbs/run.ts'
import { savepointVerb } from './verbs/savepoint.ts'
import { shadowVerb } from './verbs/shadow.ts'
import { signalsVerb } from './verbs/signals.ts'
import { statusVerb } from './verbs/status.ts'
import { sweepVerb } from './verbs/sweep.ts'
import { tapVerb } from './verbs/tap.ts'
import { tapeVerb } from './verbs/tape.ts'
import { testVerb } from './verbs/test.ts'
import { testTradeVerb } from './verbs/test_trade.ts'
import { workerVerb } from './verbs/worker.ts'

/** Every verb, in the order people meet them. */
export const verbs: readonly Verb[] = [
  demoVerb,
  doctorVerb,
  initVerb,
  operatorsVerb,
  kindsVerb,
  driveVerb,
  checkVerb,
  explainVerb,
  graphVerb,
  testVerb,
  importVerb,
  tapeVerb,
  backtestVerb,
  sweepVerb,
  runVerb,
  replayVerb,
  parityVerb,
  ordersVerb,
  positionsVerb,
  reconcileVerb,
  testTradeVerb,
  recordVerb,
  workerVerb,
  deployVerb,
  diffVerb,
  statusVerb,
  lagVerb,
  shadowVerb,
  promoteVerb,
  rollbackVerb,
  pauseVerb,
  resumeVerb,
  drainVerb,
  savepointVerb,
  signalsVerb,
  tapVerb,
  dlqVerb,
  keysVerb,
  docsVerb,
  helpVerb,
]
