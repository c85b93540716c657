import { z } from 'zod'
import { defineSource } from '../../runtime/define.ts'
import { Trade } from '../../schemas/market.ts'

export const tapeTrades = defineSource({
  name: 'tape_trades',
  version: 1,
  summary: 'Trades of whatever recording it is bound to.',
  notes:
    'It has no feed of its own: bind it with `--bind NODE=TAPE[:SYMBOL]`, or name one tape with `--tape` for all sources.',
  output: Trade,
  params: z.strictObject({}),
  example: { params: {} },
})
