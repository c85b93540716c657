import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type CellBuilder, cell } from '../../testing/ton_cells.ts'
import { type Dex, dexes, tradesOf } from './actions.ts'
import { parseBag, Slice } from './cell.ts'
import type { Message, Transaction } from './transaction.ts'

const account = (n: number) => `0:${n.toString(16).padStart(64, '0')}`
const pool = account(1)
const router = account(2)
const trader = account(3)
const [wallet0, wallet1] = [account(4), account(5)]
const jetton = account(6)

const message = (opcode: number, body: CellBuilder | string, destination = router): Message => ({
  ...{ source: pool, destination, opcode },
  body: typeof body === 'string' ? body : body.toBag(),
})
const transaction = (received: Message | undefined, sent: readonly Message[], aborted = false): Transaction => ({
  ...{ account: pool, hash: 'h', lt: 2, previous: 1, at: 1, block: 1, trace: 't', aborted, received, sent },
})

// The messages of a pool of TONCO's own contracts (@toncodex/sdk 1.0.26), run in @ton/sandbox 0.41 with two jettons and
// one position of liquidity; the amounts are what the pool's reserves changed by.
const ran = [
  {
    what: '0 for 1',
    amounts: [10000000000n, -9960069810n],
    swap: 'te6cckEBAwEAdAACnaf7WPgAAAAAAAAATYAAIlXXPjpcGpWJ8K7OMel7VLJhrD19FtTxBo/fnUtOGDADZdep7l/aDpEvz3Su6Cn/mCQe/4J5as2kw0ubKsUlEkYBAgA2UCVAvkAAAAAAAAAAAAAAAAAAAAAAEABb2CEBAAMACIbr2/c=',
    payments: [
      'te6cckECBAEAARgAArah2qltAAAAAAAAAE2AACJV1z46XBqVifCuzjHpe1SyYaw9fRbU8QaP351LThgwAARKuufHS4NSsT4V2cY9L2qWTDWHr6LaniDR+/OpacMEAAADIAAAAAAAAAAPAQMBkQgBsuvU9y/tB0iX57pXdBT/zBIPf8E8tWbSYaXNlWKSiSKgSjVTVlAC3RZEY1/GxwmXJQMzzfdmJMfUYWH0nsokpoXYAZwIp24CAAMAIADOAAAAAAAAAAAAAAkYTnKgAAAAAAAAAAAA/765xpcAJHeaCiGP///sAAAAAAAAAAAAAAAAAAAAAAAAMi4/R1dxRNWL0fSYsoIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAPYVhHA=',
    ],
  },
  {
    what: '1 for 0',
    amounts: [-29880209460n, 30000000000n],
    swap: 'te6cckEBAwEAdAACnaf7WPgAAAAAAAAATYAAIlXXPjpcGpWJ8K7OMel7VLJhrD19FtTxBo/fnUtOGDAC3RZEY1/GxwmXJQMzzfdmJMfUYWH0nsokpoXYAZwIp24BAgA2UG/COsAP/9iWPv0fxqUGSISV2VHVJjmI0lEBAAMACJ//bPg=',
    payments: [
      'te6cckECBAEAARgAArah2qltAAAAAAAAAE2AACJV1z46XBqVifCuzjHpe1SyYaw9fRbU8QaP351LThgwAARKuufHS4NSsT4V2cY9L2qWTDWHr6LaniDR+/OpacMEAAADIAAAAAAAAAATAQMBkVBvT/0DSAGy69T3L+0HSJfnuld0FP/MEg9/wTy1ZtJhpc2VYpKJIhAC3RZEY1/GxwmXJQMzzfdmJMfUYWH0nsokpoXYAZwIp24CAAMAIADOAAAAAAAAAAAAAAkYTnKgAAAAAAAAAAABAIK+bcWttux8NE2yAAAnAAAAAAAAAAAAAAAAAAAAAAAAMi4/R1dxRNWL0fSYsoIAAAAAAAAAAAAAAAAAAAAAAACWir3WBlPOgKN13coXiHOpjUY=',
    ],
  },
  {
    what: 'refund',
    amounts: [0n, 0n],
    swap: 'te6cckEBAwEAeAACnaf7WPgAAAAAAAAATYAAIlXXPjpcGpWJ8K7OMel7VLJhrD19FtTxBo/fnUtOGDADZdep7l/aDpEvz3Su6Cn/mCQe/4J5as2kw0ubKsUlEkYBAgA+UCVAvkAAAAAAAAAAAAAAAAAAAAAAEABb2CXo1KUQAAADAAgWxd4s',
    payments: [
      'te6cckECBAEAARgAArah2qltAAAAAAAAAE2AACJV1z46XBqVifCuzjHpe1SyYaw9fRbU8QaP351LThgwAARKuufHS4NSsT4V2cY9L2qWTDWHr6LaniDR+/OpacMEAAADmAAAAAAAAAAXAQMBkVAlQL5ACAGy69T3L+0HSJfnuld0FP/MEg9/wTy1ZtJhpc2VYpKJIhAC3RZEY1/GxwmXJQMzzfdmJMfUYWH0nsokpoXYAZwIp24CAAMAIADOAAAAAAAAAAAAAAkYTnKgAAAAAAAAAAABAIK+bcWttux8NE2yAAAnAAAAAAAAAAAAAAAAAAAAAAAAMi4/R1dxRNWL0fSYsoIAAAAAAAAAAAAAAAAAAAAAAACWir3WBlPOgKN13coXiJN3Hp0=',
    ],
  },
  {
    what: 'price limit',
    amounts: [121284162960n, -119949930189n],
    swap: 'te6cckEBAwEAdQACnaf7WPgAAAAAAAAATYAAIlXXPjpcGpWJ8K7OMel7VLJhrD19FtTxBo/fnUtOGDADZdep7l/aDpEvz3Su6Cn/mCQe/4J5as2kw0ubKsUlEkYBAgA4YJGE5yoAAAAAAAAAAAAP1wo9cKPXCj1wo9cBAQADAAgl1+2K',
    payments: [
      'te6cckECBAEAAR4AArah2qltAAAAAAAAAE2AACJV1z46XBqVifCuzjHpe1SyYaw9fRbU8QaP351LThgwAARKuufHS4NSsT4V2cY9L2qWTDWHr6LaniDR+/OpacMEAAADIAAAAAAAAAAbAQMBnWCPwRWSpwgBsuvU9y/tB0iX57pXdBT/zBIPf8E8tWbSYaXNlWKSiSKjfbJV2bAC3RZEY1/GxwmXJQMzzfdmJMfUYWH0nsokpoXYAZwIp24CAAMAIADOAAAAAAAAAAAAAAkYTnKgAAAAAAAAAAAA/XCj1wo9cKPXCj1w//82AAAAAAAAAAAAAAAAAAAAAAACksrhj/cUog6gYgQhvk4AAAAAAAAAAAAAAAAAAAAAAACWir3WBlPOgKN13coXiIVqf2A=',
    ],
  },
] as const
const toncoTrader = '0:0112aeb9f1d2e0d4ac4f8576718f4bdaa5930d61ebe8b6a788347efcea5a70c1'

describe('TONCO, by what its contracts sent when they were run', () => {
  test.each(ran)('$what', ({ amounts, swap, payments }) => {
    const sent = payments.map((body) => message(0xa1daa96d, body))
    const trades = tradesOf(transaction(message(0xa7fb58f8, swap, pool), sent), { dex: 'tonco', token0: 'native' })
    const [amount0, amount1] = amounts
    expect(trades).toEqual(amount0 === 0n ? [] : [{ amount0, amount1, trader: toncoTrader }])
  })
})

describe('STON.fi v2, by messages made by hand from its documentation', () => {
  const swap = (left: bigint, right: bigint) =>
    cell().uint(0x6664de2a, 32).uint(9, 64).address(trader).coins(left).coins(right).ref(cell())
  const pay = (code: number, out0: bigint, out1: bigint) =>
    cell()
      .uint(0x657b54f5, 32)
      .uint(9, 64)
      .address(trader)
      .address(trader)
      .address(trader)
      .uint(code, 32)
      .uint(0, 1)
      .ref(cell().coins(0n).coins(out0).address(wallet0).coins(out1).address(wallet1))
  const read = (received: CellBuilder, ...sent: CellBuilder[]) =>
    tradesOf(
      transaction(
        message(0x6664de2a, received, pool),
        sent.map((body) => message(0x657b54f5, body)),
      ),
      { dex: 'stonfi_v2', token0: 'native' },
    )
  const ok = 0xc64370e5

  test('a swap either way', () => {
    expect(read(swap(100n, 0n), pay(ok, 0n, 90n))).toEqual([{ amount0: 100n, amount1: -90n, trader }])
    expect(read(swap(0n, 50n), pay(ok, 40n, 0n))).toEqual([{ amount0: -40n, amount1: 50n, trader }])
  })
  test.each([0x39603190, 0x1ec28412, 0x5f954434, 0x5ffe1295])('a refund of code %i is no swap', (code) => {
    expect(read(swap(100n, 0n), pay(code, 100n, 0n))).toEqual([])
  })
  test('liquidity brings both tokens and is no swap', () => {
    expect(read(swap(100n, 50n), pay(ok, 0n, 90n))).toEqual([])
  })
})

describe('DeDust, by logs made by hand from its documentation', () => {
  const native = (to: CellBuilder) => to.uint(0, 4)
  const asset = (to: CellBuilder) =>
    to
      .uint(1, 4)
      .uint(0, 8)
      .uint(BigInt(`0x${jetton.slice(2)}`), 256)
  const log = (
    paid: (to: CellBuilder) => CellBuilder,
    got: (to: CellBuilder) => CellBuilder,
    into: bigint,
    out: bigint,
  ) =>
    got(paid(cell().uint(0x9c610de3, 32)))
      .coins(into)
      .coins(out)
      .ref(cell().address(trader).address('').coins(1000n).coins(2000n))
  const read = (token0: string, ...logs: CellBuilder[]) =>
    tradesOf(
      transaction(
        undefined,
        logs.map((body) => message(0x9c610de3, body, '')),
      ),
      { dex: 'dedust', token0 },
    )

  test('a swap either way, by the asset the pool counts as its first', () => {
    expect(read('native', log(native, asset, 100n, 90n))).toEqual([{ amount0: 100n, amount1: -90n, trader }])
    expect(read('native', log(asset, native, 50n, 40n))).toEqual([{ amount0: -40n, amount1: 50n, trader }])
    expect(read(jetton, log(asset, native, 50n, 40n))).toEqual([{ amount0: 50n, amount1: -40n, trader }])
  })
  test('a pool that was declared with another asset tells an error, not a wrong swap', () => {
    expect(() => read(account(99), log(native, asset, 100n, 90n))).toThrow(RangeError)
  })
  test('the same bits sent to an account are no log', () => {
    const body = log(native, asset, 100n, 90n)
    const told = tradesOf(transaction(undefined, [message(0x9c610de3, body, router)]), {
      dex: 'dedust',
      token0: 'native',
    })
    expect(told).toEqual([])
  })
})

test('an aborted transaction is no swap, whatever it received', () => {
  const [first] = ran
  const sent = first.payments.map((body) => message(0xa1daa96d, body))
  const aborted = transaction(message(0xa7fb58f8, first.swap, pool), sent, true)
  expect(tradesOf(aborted, { dex: 'tonco', token0: 'native' })).toEqual([])
})

test('a body that is cut, or has a bit changed, is read or refused, and nothing else', () => {
  const codes: Readonly<Record<Dex, readonly [number, number]>> = {
    stonfi_v1: [0x25938561, 0xf93bb43f],
    stonfi_v2: [0x6664de2a, 0x657b54f5],
    dedust: [0x9c610de3, 0x9c610de3],
    tonco: [0xa7fb58f8, 0xa1daa96d],
  }
  const [{ swap, payments }] = ran
  fc.assert(
    fc.property(
      fc.constantFrom(...dexes),
      fc.nat(),
      fc.nat(7),
      fc.nat(),
      fc.boolean(),
      (dex, place, bit, cut, whole) => {
        const spoil = (text: string) => {
          const bytes = Buffer.from(text, 'base64')
          const at = place % bytes.length
          bytes[at] = (bytes[at] ?? 0) ^ (1 << bit)
          return bytes.subarray(0, whole ? bytes.length : cut % bytes.length).toString('base64')
        }
        const [asked, paid] = codes[dex]
        const sent = payments.map((body) => message(paid, spoil(body), ''))
        try {
          tradesOf(transaction(message(asked, spoil(swap), pool), sent), { dex, token0: 'native' })
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError)
        }
      },
    ),
    { numRuns: 2000 },
  )
})

test('every number, amount and address comes back from a bag of cells as it went in', () => {
  const amount = fc.bigInt({ min: 0n, max: 2n ** 120n - 1n })
  const hash = fc.bigInt({ min: 0n, max: 2n ** 256n - 1n })
  fc.assert(
    fc.property(fc.array(amount, { maxLength: 5 }), hash, fc.integer({ min: 1, max: 63 }), (amounts, hash, width) => {
      const raw = `-1:${hash.toString(16).padStart(64, '0')}`
      const small = hash % 2n ** BigInt(width)
      const last = cell().uint(small, width)
      const built = amounts
        .reduce((to, one) => to.coins(one), cell())
        .address(raw)
        .ref(last)
      const slice = new Slice(parseBag(built.toBag()))
      expect(amounts.map(() => slice.coins())).toEqual(amounts)
      expect(slice.address()).toBe(raw)
      expect(slice.ref().uint(width)).toBe(small)
      expect(slice.bitsLeft).toBe(0)
      expect(() => slice.uint(1)).toThrow(RangeError)
      expect(() => slice.ref()).toThrow(RangeError)
    }),
  )
})
