import { z } from 'zod'
import { defineSource } from '../../runtime/define.ts'
import { Bar } from '../../schemas/market.ts'

export const tapeBars = defineSource({
  name: 'tape_bars',
  version: 1,
  summary: 'Bars of whatever recording it is bound to.',
  notes:
    'It has no feed of its own: bind it with `--bind NODE=TAPE[:SYMBOL]`, or name one tape with `--tape` for all sources.',
  output: Bar,
  params: z.strictObject({}),
  example: { params: {} },
})
