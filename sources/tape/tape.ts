import { z } from 'zod'
import { defineSource } from '../../runtime/define.ts'
import { Bar, Quote, Trade } from '../../schemas/market.ts'

const params = z.strictObject({})
const notes =
  'It has no feed of its own: bind it with `--bind NODE=TAPE[:SYMBOL]`, or name one tape with `--tape` for all sources.'

export const tapeTrades = defineSource({
  name: 'tape_trades',
  version: 1,
  summary: 'Trades of whatever recording it is bound to.',
  notes,
  output: Trade,
  params,
  example: { params: {} },
})
export const tapeQuotes = defineSource({
  name: 'tape_quotes',
  version: 1,
  summary: 'Quotes of whatever recording it is bound to.',
  notes,
  output: Quote,
  params,
  example: { params: {} },
})
export const tapeBars = defineSource({
  name: 'tape_bars',
  version: 1,
  summary: 'Bars of whatever recording it is bound to.',
  notes,
  output: Bar,
  params,
  example: { params: {} },
})
