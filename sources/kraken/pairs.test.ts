import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { altnameOf, symbolOf } from './pairs.ts'

test.each([
  ['XBT/USD', 'BTC/USD', 'XBTUSD'],
  ['XDG/XBT', 'DOGE/BTC', 'XDGXBT'],
  ['ETH/EUR', 'ETH/EUR', 'ETHEUR'],
  ['AAPLx/USD', 'AAPLx/USD', 'AAPLxUSD'],
])('%s of REST is %s of the stream, and is asked for as %s', (wsname, symbol, altname) => {
  expect(symbolOf(wsname)).toBe(symbol)
  expect(altnameOf(symbol)).toBe(altname)
})

const path = join(process.env['TIDEGATE_DATA'] ?? './data', 'ws-frames/cryptofeed/KRAKEN/KRAKEN.0.jsonl.gz')
test.skipIf(!existsSync(path))(
  'cryptofeed/KRAKEN.0: every pair that has a stream leads back to its own altname',
  () => {
    const { raw } = JSON.parse(gunzipSync(readFileSync(path)).toString()) as { raw: string }
    // the recorder wrote its own list of pairs behind the answer
    const [answer = ''] = raw.split('\n')
    const { result } = JSON.parse(answer) as { result: Record<string, { altname: string; wsname?: string }> }
    const streamed = Object.values(result).filter(({ wsname }) => wsname !== undefined)
    expect(streamed).toHaveLength(293)
    for (const { altname, wsname = '' } of streamed) expect(altnameOf(symbolOf(wsname))).toBe(altname)
  },
)
