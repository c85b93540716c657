// The testing door: what somebody needs to hold an operator of their own to the laws.

export { Driver, type DriverOptions, drive } from '../runtime/drive.ts'
export {
  advance,
  approved,
  bar,
  barOf,
  end,
  fill,
  gap,
  intent,
  of,
  quote,
  type Sample,
  scalar,
  signal,
  to,
  trade,
} from '../schemas/samples.ts'
export { type Breach, breaches, type Case, casesOf, keepsTheLaws, type LawName, laws } from './laws.ts'
export { chanceOf, messageOf, type TapeOptions, tapeOf } from './tapes.ts'
