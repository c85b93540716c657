import { expect, test } from 'vitest'
import { z } from 'zod'
import { Scalar } from '../schemas/features.ts'
import { kind } from '../schemas/kind.ts'
import { Bar } from '../schemas/market.ts'
import { defineOperator } from './define.ts'

const closing = (port: string) =>
  defineOperator({
    name: 'closing',
    version: 1,
    summary: 'Repeats closes.',
    input: { bar: Bar },
    output: { [port]: Scalar },
    params: z.strictObject({}),
    on: { bar: (_state, { close }) => ({ [port]: close }) },
    example: { params: {}, input: [], output: [] },
  })

test('a port whose name is no word is refused where it is defined', () => {
  expect(closing('last_close').definition.name).toBe('closing')
  for (const port of ['last close', 'Close', 'a.b', ''])
    expect(() => closing(port)).toThrow(`operator closing: port ${JSON.stringify(port)}: expected snake_case`)
})
test('so is a kind', () => {
  expect(() => kind('order book', z.number(), { summary: '' })).toThrow('kind "order book": expected snake_case')
})
