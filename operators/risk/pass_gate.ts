import { z } from 'zod'
import { defineScan } from '../../runtime/define.ts'
import { ApprovedOrder, OrderIntent } from '../../schemas/orders.ts'
import { intent } from '../../schemas/samples.ts'

export const passGate = defineScan({
  name: 'pass_gate',
  version: 1,
  summary: 'Approves every order unseen: for golden cases and experiments, never for money.',
  input: OrderIntent,
  output: ApprovedOrder,
  params: z.strictObject({}),
  step: (_state, { side, quantity, limit, price }) => ({ side, quantity, limit, price }),
  example: { params: {}, input: [intent(1, 'buy', 2)], output: [{ side: 'buy', quantity: 2, limit: 0, price: 100 }] },
})
