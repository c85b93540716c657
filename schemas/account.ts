import { z } from 'zod'
import { Fixed } from './fixed.ts'
import { kind } from './kind.ts'

const position = z.object({
  quantity: Fixed.describe('base units, negative when short'),
  average_price: z.number().nonnegative().describe('quote units for one base unit, 0 when flat'),
  realised: Fixed.describe('profit taken so far, before fees, quote units'),
  unrealised: Fixed.describe('profit at the newest price, quote units'),
  fees: Fixed.describe('fees paid so far, quote units'),
})
export interface Position extends Readonly<z.output<typeof position>> {}
export const Position = kind('position', position, { summary: 'What is held of one instrument.', recorded: true })

const equity = z.object({
  cash: Fixed.describe('quote units'),
  equity: Fixed.describe('cash plus holdings at the newest prices, quote units'),
  realised: Fixed.describe('profit taken so far, before fees, quote units'),
  unrealised: Fixed.describe('profit of open positions, quote units'),
  fees: Fixed.describe('fees paid so far, quote units'),
})
export interface Equity extends Readonly<z.output<typeof equity>> {}
export const Equity = kind('equity', equity, { summary: 'What an account is worth.', recorded: true })
