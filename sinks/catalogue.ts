import { listed } from '../runtime/define.ts'
import { evmSwap } from './evm/evm_swap.ts'
import { report } from './report.ts'
import { signals } from './signals.ts'
import { simulatedVenue } from './simulated_venue.ts'

export const sinks = listed(simulatedVenue, evmSwap, signals, report)
