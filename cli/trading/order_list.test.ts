import { expect, test } from 'vitest'
import type { Committed } from '../../runtime/define.ts'
import type { Plan } from '../../runtime/plan.ts'
import { fixed } from '../../schemas/fixed.ts'
import { isOpen, OrderList } from './order_list.ts'

const plan = { nodes: [], executors: [{ id: 'execute', inputs: { order: 'gate.approved' } }] } as unknown as Plan
const key = 'uniswap_v2:0xaa'
const row = (edge: string, kind: string, value: object): Committed => ({
  ...{ id: `p/${edge}/${key}/1/0`, commit: 1, order: 0, edge, kind, key, at: 1, ordinal: 0 },
  value: value as Committed['value'],
})
const of = { order_at: 1, order_ordinal: 0 }
const approved = row('gate.approved', 'approved_order', { side: 'buy', quantity: 2, limit: 0, price: 10 })
const update = (state: string, quantity: number) =>
  row('execute.order', 'order_update', { ...of, state, side: 'buy', quantity: fixed(quantity), reason: 'none' })
const step = (name: string) =>
  row('execute.step', 'order_step', { ...of, step: name, nonce: 3, block: 0, transaction: '', code: '', detail: '' })

/** The state of the one order after these rows. */
function stateAfter(...rows: readonly Committed[]): string {
  const list = new OrderList(plan)
  for (const one of [approved, ...rows]) list.add(one)
  const [order] = list.all()
  return `${order?.state}, ${order !== undefined && isOpen(order) ? 'open' : 'ended'}`
}

test('an end that a reorganisation takes back leaves the order under way, whether an update told of it or a step alone', () => {
  const accepted = update('accepted', 2)
  expect(stateAfter(accepted, step('reverted'), update('cancelled', 2))).toBe('cancelled, ended')
  expect(stateAfter(accepted, update('cancelled', 2), step('reorged'), update('cancelled', -2))).toBe('accepted, open')
  expect(stateAfter(accepted, step('conflict'))).toBe('conflict, ended')
  expect(stateAfter(accepted, step('conflict'), step('reorged'))).toBe('accepted, open')
  // not final yet: nothing had ended
  expect(stateAfter(accepted, step('included'), step('reorged'))).toBe('accepted, open')
})
