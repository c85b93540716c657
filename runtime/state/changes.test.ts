import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const here = fileURLToPath(new URL('.', import.meta.url))
/** Saves of an engine whose state holds everything a state may hold, and how often a second one that loads them differs. */
const program = `
import { createHash } from 'node:crypto'
import { z } from 'zod'
import { defineOperator, defineSource, listed, Ring } from '../define.ts'
import { Engine } from '../engine.ts'
import { plan } from '../plan.ts'
import { Snapshots } from './snapshot.ts'
import { Fill } from '../../schemas/orders.ts'
import { Scalar } from '../../schemas/features.ts'
import { Trade } from '../../schemas/market.ts'
import { Prng } from '../../sources/synthetic/prng.ts'
const chance = new Prng(7)
const pick = (...from) => from[Math.floor(chance.uniform() * from.length)]
const number = () => pick(0, -0, NaN, 1, -1, 1e300, Infinity, chance.uniform())
const big = () => pick(0n, -1n, 1n, 2n ** 64n, -(2n ** 127n), BigInt(Math.floor(chance.uniform() * 2 ** 52)) << 40n)
const common = { version: 1, summary: 'Does anything.', params: z.strictObject({}), example: { params: {}, input: [], output: [] } }
const init = () => ({ number: 0, flag: false, big: 0n, ring: new Ring(40), inner: { deep: { number: 0 }, ring: new Ring(1) } })
const changes = (state) => {
  if (pick(0, 1)) state.number = number()
  if (pick(0, 1)) state.flag = !state.flag
  if (pick(0, 1)) state.big = big()
  if (pick(0, 1)) state.ring.push(number())
  // behind the back of the ring: neither its count nor its place moves
  if (pick(0, 1)) state.ring.data[39] = number()
  if (pick(0, 1)) state.inner.deep.number = number()
}
const fill = () => ({ order_at: 1, order_ordinal: 0, side: pick('buy', 'sell'), quantity: big(), price: number(), notional: big(), fee: big() })
const fills = defineOperator({ ...common, name: 'fills', input: { trade: Trade }, output: Fill, init, on: { trade: (state) => { changes(state); return pick(0, 1) ? fill() : undefined } } })
const numbers = defineOperator({ ...common, name: 'numbers', input: { trade: Trade }, output: Scalar, init, on: { trade: (state) => { changes(state); if (pick(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)) throw new Error('x'); return number() } } })
const looks = defineOperator({ ...common, name: 'looks', input: { trade: Trade }, latest: { fill: Fill, number: Scalar }, output: Scalar, init, on: { trade: changes }, scope: 'pipeline', each: init })
const trades = defineSource({ ...common, name: 'trades', output: Trade, lateness: () => 0 })
const drawn = plan({ pipeline: 'p', nodes: { trades: { source: 'trades' }, fills: { op: 'fills', from: 'trades' }, numbers: { op: 'numbers', from: 'trades' },
  looks: { op: 'looks', from: 'trades', latest: { fill: 'fills', number: 'numbers' } } } }, { operators: listed(fills, numbers, looks), sources: listed(trades), sinks: {} })
const [first, second] = [new Engine(drawn), new Engine(drawn)]
const [saves, loads] = [new Snapshots(first), new Snapshots(second)]
const found = []
for (let i = 0; i < 300; i++) {
  for (let n = 0; n < 3; n++) first.row(0, 'v:' + pick('A', 'B', 'C', 'D', 'E', 'F'), 10 * i + n, { price: 1, size: 1, side: 0, id: i })
  // the bits of a NaN are nobody's
  const { memory, stride } = first.network
  for (let at = first.network.edge('numbers').spot + 1; at < memory.real.length; at += stride)
    if (Number.isNaN(memory.real[at])) memory.whole[at] = pick(0x7ff8n << 48n, 0xfff8n << 48n)
  const bytes = saves.save(pick(i === 0, false, false))
  loads.load(bytes, first.network.keys)
  found.push(createHash('sha256').update(bytes).digest('hex'))
}
console.log(JSON.stringify({ found, same: Buffer.compare(loads.save(true), saves.save(true)) === 0 }))
`
const run = (...flags: readonly string[]): { readonly found: readonly string[]; readonly same: boolean } =>
  JSON.parse(
    execFileSync('node', ['--import', 'tsx', ...flags, '--input-type=module', '-e', program], {
      cwd: here,
      encoding: 'utf8',
    }),
  )

test('what changed is found by the program as it is without one, bit for bit, and loaded it is the whole', () => {
  const [written, walked] = [run(), run('--disallow-code-generation-from-strings')]
  expect(written.same).toBe(true)
  expect(walked).toEqual(written)
})
