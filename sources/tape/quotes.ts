import { z } from 'zod'
import { defineSource } from '../../runtime/define.ts'
import { Quote } from '../../schemas/market.ts'

export const tapeQuotes = defineSource({
  name: 'tape_quotes',
  version: 1,
  summary: 'Quotes of whatever recording it is bound to.',
  notes:
    'It has no feed of its own: bind it with `--bind NODE=TAPE[:SYMBOL]`, or name one tape with `--tape` for all sources.',
  output: Quote,
  params: z.strictObject({}),
  example: { params: {} },
})
