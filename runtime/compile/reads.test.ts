import { expect, test } from 'vitest'
import { ENV, fieldsRead } from './reads.ts'

type Any = Record<string, never>
const state: Any = {}

test('fields that are taken apart in the parameters, by the names they have in the message', () => {
  expect(fieldsRead((_state: Any, { price, size: volume }: Any) => [price, volume])).toEqual(['price', 'size'])
  const { bar } = {
    bar({ window }: Any, { close }: Any, { params, at }: Any) {
      return [window, close, params, at]
    },
  }
  expect(fieldsRead(bar)).toEqual(['close'])
  expect(fieldsRead((_state: Any, { price }: Any) => price)).toEqual(['price'])
})
test('none where the message is not named again, or there is no parameter for it', () => {
  expect(fieldsRead((s: Any, _trade: Any, { at }: Any) => [s, at])).toEqual([])
  expect(fieldsRead((s: Any) => s)).toEqual([])
  expect(fieldsRead(() => undefined)).toEqual([])
})
test('of what it looks at beside state and message, the same', () => {
  expect(fieldsRead((s: Any, _trade: Any, { params, at: time }: Any) => [s, params, time], ENV)).toEqual([
    'params',
    'at',
  ])
  expect(fieldsRead((s: Any, trade: Any) => [s, trade], ENV)).toEqual([])
  expect(fieldsRead((s: Any, _trade: Any, env: Any) => [s, env['at']], ENV)).toBeUndefined()
})
test('any, where the parameters do not tell', () => {
  function all(..._all: Any[]) {
    return state
  }
  const unknown: ((...all: never[]) => unknown)[] = [
    (_s: Any, trade: Any) => trade['price'],
    (_s: Any, trade: Any) => ({ ...trade }),
    (_s: Any, { price, ...rest }: Any) => [price, rest],
    (_s: Any, { price = 1 }: { price?: number }) => price,
    (_s: Any, { fee: { paid } }: { fee: Any }) => paid,
    (_s: Any, trade: Any = {}) => trade,
    all,
    all.bind(undefined),
    function (_s: Any, _trade: Any) {
      // biome-ignore lint/complexity/noArguments: what is looked for
      return arguments[1]
    },
    Math.max,
    new Function('s', 'trade', 'return \\u0074rade.price') as never,
    Object.assign((_s: Any, trade: Any) => trade['price'], { toString: () => '() => 1' }),
  ]
  for (const handler of unknown) expect(fieldsRead(handler)).toBeUndefined()
})
