import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'

// A project of a user's size, and a shelf of mistakes, as the compiler of their editor sees them.

const OPERATORS = 200
const BUDGET = 300_000
const folder = resolve('node_modules/.cache/type_cost')
const ours = (path: string) => `../../../../${path}`
const options = {
  extends: '../../../../tsconfig.json',
  compilerOptions: { noEmit: true, rootDir: '../../../..', declaration: false, types: ['node'] },
}

function project(name: string, files: Readonly<Record<string, string>>): string {
  const directory = join(folder, name)
  mkdirSync(directory, { recursive: true })
  for (const [file, text] of Object.entries(files)) writeFileSync(join(directory, file), text)
  const config = { ...options, include: Object.keys(files) }
  writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify(config))
  return directory
}
function compile(directory: string, ...flags: string[]): string {
  const tsc = resolve('node_modules/typescript/bin/tsc')
  const { stdout } = spawnSync(process.execPath, [tsc, '-p', directory, '--pretty', 'false', ...flags], {
    encoding: 'utf8',
  })
  return stdout
}

const doors = `
import { z } from 'zod'
import { defineOperator, defineScan, Ring } from '${ours('runtime/define.ts')}'
import { pipeline } from '${ours('runtime/pipeline.ts')}'
import { Scalar } from '${ours('schemas/features.ts')}'
import { Bar, Trade } from '${ours('schemas/market.ts')}'
import { ApprovedOrder, Fill, OrderIntent, Signal } from '${ours('schemas/orders.ts')}'
import { bar } from '${ours('schemas/samples.ts')}'
void [z, defineOperator, defineScan, Ring, pipeline, Scalar, Bar, Trade, ApprovedOrder, Fill, OrderIntent, Signal, bar]
`
const operator = (n: number): string => `
export const op${n} = ${
  n % 2 === 0
    ? `defineScan({
  name: 'op${n}', version: 1, summary: 'Number ${n}.', input: Bar, output: Scalar,
  params: z.strictObject({
    span: z.int().min(2).describe('bars'), weight: z.number().positive().default(1).describe('w'),
    seed: z.enum(['first', 'mean']).default('first').describe('s'), flag: z.boolean().optional().describe('f'),
    low: z.number().default(0).describe('l'), high: z.number().default(1).describe('h'),
  }),
  prepare: ({ span, weight }) => ({ span, weight: weight / (span + 1) }),
  init: ({ span }) => ({ seen: 0, value: 0, window: new Ring(span) }),
  step(state, { close }, { params }) { state.seen++; state.window.push(close); state.value += params.weight * (close - state.value); return state.value },
  example: { params: { span: 3 }, input: [bar(1, 10)], output: [10] },
})`
    : `defineOperator({
  name: 'op${n}', version: 1, summary: 'Number ${n}.', input: { signal: Signal, fill: Fill }, feedback: ['fill'], latest: { trend: Scalar }, before: { trend: 0 },
  output: { order: OrderIntent, score: Scalar },
  params: z.strictObject({
    quantity: z.number().positive().describe('q'), every: z.int().default(5).describe('e'),
    share: z.number().max(1).default(1).describe('s'), mode: z.enum(['now', 'next']).default('now').describe('m'),
    limit: z.number().optional().describe('l'), flag: z.boolean().default(false).describe('f'),
  }),
  init: () => ({ held: 0, last: 0 }),
  on: {
    fill(state, { side }) { state.held += side === 'buy' ? 1 : -1 },
    signal(state, { direction, price }, { params, latest }) {
      state.last = latest.trend
      if (direction === 0) return undefined
      return { order: { side: 'buy' as const, quantity: params.quantity, limit: params.limit ?? 0, price }, score: state.held }
    },
  },
  example: { params: { quantity: 1 }, input: [], output: [] },
})`
}`

/** Operators, and a pipeline that draws every one of them. */
function large(): string {
  const drawn = Array.from({ length: OPERATORS }, (_, n) =>
    n % 2 === 0
      ? `  const s${n} = p.via('s${n}', bars, op${n}({ span: ${n + 2} }))`
      : `  p.join('s${n}', { signal: signals, fill: fills }, op${n}({ quantity: ${n} }), { trend: s${n - 1} })`,
  )
  return `${doors}${Array.from({ length: OPERATORS }, (_, n) => operator(n)).join('\n')}
export default pipeline('large', (p) => {
  const bars = p.later('bars', Bar)
  const signals = p.later('signals', Signal)
  const fills = p.later('fills', Fill)
${drawn.join('\n')}
})
`
}

test(`${OPERATORS} operators and the pipeline that draws them cost under ${BUDGET} type instantiations`, () => {
  const count = (text: string) => {
    const said = compile(project('large', { 'large.ts': text }), '--extendedDiagnostics')
    expect(said).not.toContain('error TS')
    return Number(/Instantiations:\s+(\d+)/.exec(said)?.[1])
  }
  const cost = count(large())
  expect(cost).toBeGreaterThan(10_000)
  expect(cost).toBeLessThan(BUDGET)
  writeFileSync(join(folder, 'instantiations.txt'), `${cost}\n`)
}, 180_000)

// Each must fail, and at the marked line.
const mistakes: Readonly<Record<string, string>> = {
  'the wrong kind on an edge': `pipeline('p', (p) => {
  const trades = p.later('t', Trade)
  p.via('x', trades, op0({ span: 3 })) // here
})`,
  'the wrong port': `pipeline('p', (p) => {
  p.join('x', {
    sginal: p.later('s', Signal), // here
  }, op1({ quantity: 1 }))
})`,
  'the wrong kind on a port': `pipeline('p', (p) => {
  p.join('x', {
    signal: p.later('s', Signal),
    fill: p.later('s', Signal), // here
  }, op1({ quantity: 1 }))
})`,
  'an unapproved order on its way to a venue': `pipeline('p', (p) => {
  const intents = p.later('i', OrderIntent)
  p.sink('x', intents, simulatedVenue({})) // here
})`,
  'a misspelt param': `op0({
  spam: 3, // here
})`,
  'a param of the wrong type': `op1({
  quantity: '3', // here
})`,
  'a misspelt param in a step': `defineScan({ ...about, params: z.strictObject({ span: z.int() }), input: Bar, output: Scalar,
  step: (_s, { close }, { params }) => close * params.spam, // here
  example: { params: { span: 1 }, input: [], output: [] },
})`,
  'a misspelt field of a message': `defineScan({ ...about, params: z.strictObject({}), input: Bar, output: Scalar,
  step: (_s, { clsoe }) => clsoe, // here
  example: { params: {}, input: [], output: [] },
})`,
  'a misspelt field of the state': `defineScan({ ...about, params: z.strictObject({}), input: Bar, output: Scalar,
  init: () => ({ value: 0 }),
  step: (state, { close }) => (state.vlaue += close), // here
  example: { params: {}, input: [], output: [] },
})`,
  'a state that cannot be saved': `defineScan({ ...about, params: z.strictObject({}), input: Bar, output: Scalar,
  init: () => ({ value: null as number | null }), // here
  step: (_state, { close }) => close,
  example: { params: {}, input: [], output: [] },
})`,
  'an answer of the wrong shape': `defineScan({ ...about, params: z.strictObject({}), input: Bar, output: Scalar,
  step: (_state, { close }) => ({ close }), // here
  example: { params: {}, input: [], output: [] },
})`,
  'a scan that may be silent': `defineScan({ ...about, params: z.strictObject({}), input: Bar, output: Scalar,
  step: (_state, { close }) => (close > 1 ? close : undefined), // here
  example: { params: {}, input: [], output: [] },
})`,
  'a message that is written to': `defineScan({ ...about, params: z.strictObject({}), input: Bar, output: Scalar,
  step: (_state, bar) => (bar.close = 1), // here
  example: { params: {}, input: [], output: [] },
})`,
  'an example with another answer': `defineScan({ ...about, params: z.strictObject({}), input: Bar, output: Scalar,
  step: (_state, { close }) => close,
  example: { params: {}, input: [], output: ['10'] }, // here
})`,
}

test('mistakes of authors do not compile, and are told at the line where they are', () => {
  const head = `${doors}import { simulatedVenue } from '${ours('sinks/simulated_venue.ts')}'
${operator(0)}${operator(1)}
const about = { name: 'x', version: 1, summary: 'X.' }
void [simulatedVenue, about]
`
  const names = Object.keys(mistakes)
  const files = Object.fromEntries(names.map((name, i) => [`m${i}.ts`, `${head}${mistakes[name]}\n`]))
  const sound = `${head}pipeline('p', (p) => {
  const s = p.via('x', p.later('b', Bar), op0({ span: 3 }))
  p.join('y', { signal: p.later('s', Signal), fill: p.later('f', Fill) }, op1({ quantity: 1 }), { trend: s })
  p.sink('z', p.later('a', ApprovedOrder), simulatedVenue({}))
})
`
  const said = compile(project('mistakes', { ...files, 'sound.ts': sound })).split('\n')
  const found = (file: string) => [
    ...new Set(said.flatMap((line) => new RegExp(`${file}\\((\\d+),`).exec(line)?.[1] ?? []).map(Number)),
  ]
  expect(found('sound.ts')).toEqual([])
  const places = names.map((name, i) => {
    const marked = (files[`m${i}.ts`] as string).split('\n').findIndex((line) => line.endsWith('// here')) + 1
    return { name, found: found(`m${i}.ts`), marked: [marked] }
  })
  expect(places.map(({ name, found }) => ({ name, found }))).toEqual(
    places.map(({ name, marked }) => ({ name, found: marked })),
  )
}, 180_000)
