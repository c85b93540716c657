import { z } from 'zod'
import { Signal } from './orders.ts'
import { NodeId } from './spec.ts'
import { EventTime } from './units.ts'

/** Which form a message has: it changes where a field is taken away or means something else. */
export const SIGNAL_SCHEMA = 'tidegate/signal/v1'

/** The JSON message of one signal, as it is published on its subject. A reader keeps the fields it does not know. */
export const SignalMessage = z.looseObject({
  schema: z.literal(SIGNAL_SCHEMA).describe('the form of this message'),
  id: z.string().min(1).describe('pipeline/node/key/event time/ordinal: the same in backtest, paper and live'),
  pipeline: NodeId.describe('the pipeline that gave the signal'),
  node: NodeId.describe('the sink node that published it'),
  key: z.string().min(1).describe('the instrument, as venue:SYMBOL'),
  time: z.iso.datetime().describe('event time as ISO text, to the microsecond'),
  at: EventTime,
  kind: z.literal(Signal.kind).describe('the kind of the value'),
  value: z.looseObject({
    direction: z.union([z.literal(-1), z.literal(0), z.literal(1)]).describe('1 up, -1 down, 0 neither'),
    strength: z.number().describe('how far the values stand apart, in the units of the values'),
    price: z.number().positive().describe('the price the signal saw, quote units'),
  }),
  model: z.string().optional().describe('name and version of the model that gave it, where one did'),
  plan: z.string().min(1).describe('first 16 digits of the plan hash'),
  commit: z.int().nonnegative().optional().describe('the commit it was part of, in the log of its run'),
  order: z.int().nonnegative().optional().describe('its place in that commit'),
})
export interface SignalMessage extends Readonly<z.output<typeof SignalMessage>> {}

/** JSON Schema of the message, for subscribers in other languages. */
export const signalJsonSchema = () => z.toJSONSchema(SignalMessage, { io: 'input' })
