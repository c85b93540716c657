import fc from 'fast-check'
import type { SourceItem } from '../runtime/connect.ts'
import type { Plan } from '../runtime/plan.ts'
import { Gap } from '../schemas/market.ts'
import type { PipelineInput } from '../schemas/spec.ts'
import { chanceOf, messageOf } from '../testing/tapes.ts'
import type { Event } from './whole_runs.ts'

type Nodes = PipelineInput['nodes']
type Chance = () => number
const pick = <T>(chance: Chance, of: readonly T[]): T => of[Math.floor(chance() * of.length)] as T
const some = (chance: Chance, most: number): number => 1 + Math.floor(chance() * most)
const shuffled = <T>(chance: Chance, all: readonly T[]): T[] =>
  all
    .map((one) => ({ one, place: chance() }))
    .sort((a, b) => a.place - b.place)
    .map(({ one }) => one)

const features: Readonly<Record<string, (chance: Chance) => object>> = {
  ema: (chance) => ({ span: 1 + some(chance, 5), seed: pick(chance, ['first', 'mean']) }),
  sma: (chance) => ({ span: some(chance, 4) }),
  rsi: (chance) => ({ span: 1 + some(chance, 3), smoothing: pick(chance, ['wilder', 'cutler']) }),
  atr: (chance) => ({ span: some(chance, 3), smoothing: pick(chance, ['wilder', 'simple']) }),
  vwap: (chance) => ({ window: pick(chance, ['day', 2, 3] as const) }),
  macd: () => ({ fast: 2, slow: 3, signal: 2 }),
  bollinger: () => ({ span: 2 }),
}
const sizings: Readonly<Record<string, (chance: Chance) => object>> = {
  fixed_notional: () => ({ notional: 250, decimals: 3 }),
  fixed_quantity: (chance) => ({ quantity: 0.5, ...(chance() < 0.5 && { limit_offset: 0.002 }) }),
  all_in: (chance) => ({ capital: 5000, decimals: 4, enter: pick(chance, ['now', 'next']) }),
  stop_and_reverse: () => ({ quantity: 0.75 }),
}

/** A pipeline over the whole catalogue, different for every seed and always valid. */
export function randomPipeline(seed: number): PipelineInput {
  const chance = chanceOf(seed)
  const latenesses = ['0s', '500ms', '1s']
  const nodes: Nodes = {}
  const inputs = pick(chance, [['trades'], ['trades'], ['quotes'], ['trades', 'quotes'], ['trades', 'more']])
  for (const id of inputs)
    nodes[id] = {
      source: id === 'quotes' ? 'laggy_quotes' : 'laggy_trades',
      params: { lateness: pick(chance, latenesses) },
    }
  const bars = Array.from({ length: some(chance, 3) }, (_, i) => `bars_${i}`)
  for (const id of bars) {
    const every = pick(chance, ['1s', '2s', '3s', '5s'])
    const closed = pick(chance, ['left', 'right'])
    nodes[id] = { op: 'time_bars', from: pick(chance, inputs), params: { every, closed } }
  }
  const lines: string[] = []
  for (let i = some(chance, 4); i > 0; i--) {
    const op = pick(chance, Object.keys(features))
    nodes[`${op}_${i}`] = { op, from: pick(chance, bars), params: { ...features[op]?.(chance) } }
    if (op !== 'macd' && op !== 'bollinger') lines.push(`${op}_${i}`)
  }
  if (lines.length === 0) {
    nodes['trend'] = { op: 'ema', from: pick(chance, bars), params: { span: 3 } }
    lines.push('trend')
  }
  if (chance() < 0.4) {
    nodes['echo'] = { op: 'echo', from: pick(chance, bars), params: { after: pick(chance, ['300ms', '1s', '4s']) } }
    lines.push('echo')
  }
  if (chance() < 0.3) {
    nodes['brittle'] = { op: 'brittle', from: pick(chance, bars), params: { of: pick(chance, [10, 40, 200]) } }
    lines.push('brittle')
  }
  if (inputs[0] === 'trades' && chance() < 0.4) {
    nodes['each_price'] = { op: 'each_price', from: 'trades', params: { of: pick(chance, [30, 300, 3000]) } }
    lines.push('each_price')
  }
  if (chance() < 0.2)
    nodes['brittle_account'] = {
      op: 'brittle_account',
      from: pick(chance, bars),
      params: { of: pick(chance, [20, 80]) },
    }
  for (const id of ['model', 'second_model'])
    if (chance() < 0.3) {
      nodes[id] = { op: 'affine', from: pick(chance, lines), params: { lends: chance() < 0.5 } }
      lines.push(id)
    }
  const opinions = ['above']
  const latest = { trend: pick(chance, lines), ...(chance() < 0.4 && { fast: pick(chance, lines) }) }
  nodes['above'] = {
    op: 'cross',
    from: pick(chance, bars),
    latest,
    params: { emit: pick(chance, ['change', 'level']) },
  }
  if (chance() < 0.4) {
    nodes['ticks'] = { op: 'tick_signal', from: pick(chance, inputs), params: { of: pick(chance, [1, 2, 5]) } }
    opinions.push('ticks')
  }
  if (inputs[0] === 'trades' && chance() < 0.5) nodes['trouble'] = { op: 'trouble_signal', from: 'trades' }
  const op = pick(chance, Object.keys(sizings))
  const from = pick(chance, opinions)
  const closesLoop = op === 'all_in' || op === 'stop_and_reverse'
  nodes['sized'] = {
    op,
    from: closesLoop ? { signal: from, fill: 'execute.fill' } : from,
    params: { ...sizings[op]?.(chance) },
  }
  nodes['gate'] =
    chance() < 0.4
      ? { op: 'pass_gate', from: 'sized' }
      : {
          op: 'risk_gate',
          from: { intent: 'sized', fill: 'execute.fill', ...(chance() < 0.7 && { order: 'execute.order' }) },
          params: { max_notional: 4000, max_position: 30, gap_hold: '2s', warm_up: '1s' },
        }
  nodes['execute'] = {
    sink: 'simulated_venue',
    from: chance() < 0.5 ? 'gate.approved' : { order: 'gate.approved' },
    params: {
      fill: pick(chance, ['current', 'next']),
      latency: pick(chance, ['0s', '200ms', '1500ms']),
      spread: pick(chance, [0, 0.001]),
      slippage: pick(chance, [0, 0.0005]),
      at_end: pick(chance, ['keep', 'close']),
      open_orders: pick(chance, [2, 64]),
    },
  }
  if (nodes['gate'] && 'op' in nodes['gate'] && nodes['gate'].op === 'pass_gate')
    nodes['execute'] = { ...nodes['execute'], from: 'gate' } as Nodes[string]
  nodes['account'] = {
    op: 'portfolio',
    from: 'execute.fill',
    params: { cash: 10_000, every: pick(chance, ['1s', '7s']) },
  }
  const watched = { scalar: pick(chance, lines), bar: pick(chance, bars), gap: `${inputs[0]}.gap` }
  nodes['watch'] = { sink: 'watcher', from: { ...watched, ...(inputs[0] === 'trades' && { late: 'trades.late' }) } }
  return { pipeline: 'random', nodes: Object.fromEntries(shuffled(chance, Object.entries(nodes))) }
}

/** Event times are coarse: equal times and times on a boundary are common. */
const GRID = 50_000
/** The first two share a key group. */
const instruments = ['binance:BTCUSDT', 'binance:ARBUSDT', 'okx:ETH-USDT']
/** Rows, out of order and late, gaps and heartbeats of one key or all, of every source; some tapes end. */
export function randomEvents(plan: Plan, seed: number, rows: number): Event[] {
  const chance = chanceOf(seed)
  const keys = instruments.slice(0, some(chance, 3))
  const step = pick(chance, [50_000, 400_000, 1_500_000])
  const prices = new Map(keys.map((key) => [key, 100 + Math.floor(chance() * 100)]))
  let newest = 1_700_000_000_000_000
  const events = Array.from({ length: rows }, (): Event => {
    if (chance() < 0.85) newest += GRID * Math.ceil((chance() * step) / GRID)
    const source = Math.floor(chance() * plan.sources.length)
    const planned = plan.sources[source] as Plan['sources'][number]
    const key = pick(chance, keys)
    const price = Math.round((prices.get(key) as number) * (0.99 + 0.02 * chance()) * 100) / 100
    prices.set(key, price)
    const what = chance()
    const whom = chance() < 0.5 ? '*' : key
    if (what < 0.02) {
      const value = messageOf(Gap, chance, price, newest) as Extract<SourceItem, { type: 'gap' }>['value']
      return { source, item: { type: 'gap', at: newest, key: whom, value } }
    }
    if (what < 0.06) return { source, item: { type: 'heartbeat', at: newest, key: whom } }
    const reach = planned.lateness + (chance() < 0.2 ? 800_000 : 0)
    const back = chance() < 0.3 ? GRID * Math.floor((chance() * reach) / GRID) : 0
    const at = newest - back
    const value = messageOf(planned.component.output, chance, price, at)
    return { source, item: { type: 'row', at, key, value } }
  })
  if (chance() < 0.6)
    for (const source of plan.sources.keys()) events.push({ source, item: { type: 'end', at: newest + 1 } })
  return events
}

export const seeds = fc.integer({ min: 1, max: 2 ** 31 - 1 })
export const runs = Number(process.env['TIDEGATE_RUNS'] ?? 60)
