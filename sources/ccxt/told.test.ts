import { array, assert, boolean, integer, property, tuple } from 'fast-check'
import { expect, test } from 'vitest'
import type { CcxtTrade } from './exchange.ts'
import { Told } from './told.ts'

const trade = (timestamp: number, price: number, id?: string): CcxtTrade => ({
  ...{ timestamp, price, amount: 1, side: 'buy' },
  ...(id !== undefined && { id }),
})

test('of pages that overlap every trade is told once, with numbers, without, and with a number for the newest only', () => {
  const trades = array(tuple(integer({ min: 0, max: 2 }), integer({ min: 1, max: 2 })), { minLength: 1, maxLength: 60 })
  const cuts = array(tuple(integer({ min: 1, max: 8 }), integer({ min: 0, max: 8 })), { minLength: 1, maxLength: 20 })
  assert(
    property(trades, cuts, boolean(), (steps, pages, numbered) => {
      let at = 1_000_000
      const all = steps.map(([after, price], n) => {
        at += after
        return trade(at, price, numbered ? String(n) : undefined)
      })
      const told = new Told(60_000)
      const heard: CcxtTrade[] = []
      let [from, to] = [0, 0]
      for (const [more, back] of pages) {
        to = Math.min(all.length, to + more)
        // a page begins with all the trades of its first ms, as pages `since` a time do
        from = Math.max(0, Math.min(to - 1, to - more - back))
        while (from > 0 && all[from - 1]?.timestamp === all[from]?.timestamp) from--
        heard.push(...told.fresh(all.slice(from, to), 'overlap'))
      }
      expect(heard).toEqual(all.slice(0, to))
    }),
  )
})

test('two equal trades without a number are two, when both stand in one page', () => {
  const told = new Told(60_000)
  expect(told.fresh([trade(1, 5), trade(1, 5)], 'overlap')).toHaveLength(2)
  expect(told.fresh([trade(1, 5), trade(1, 5), trade(1, 5)], 'overlap')).toHaveLength(1)
})

test('a trade whose number only the newest of a page has is known by its content in the next', () => {
  const told = new Told(60_000)
  told.fresh([trade(1, 5), trade(2, 6, '1541439421200678657')], 'overlap')
  expect(told.fresh([trade(1, 5), trade(2, 6), trade(3, 7, '1541439421200678999')], 'overlap')).toEqual([
    trade(3, 7, '1541439421200678999'),
  ])
})

test('what is older than anything remembered is not told again', () => {
  const told = new Told(1000)
  const page = [trade(1000, 1), trade(5000, 2)]
  expect(told.fresh(page, 'overlap')).toHaveLength(2)
  expect(told.fresh(page, 'overlap')).toHaveLength(0)
})

test.each(['overlap', 'follow'] as const)('a trade without a time is not lost, and is no proof (%s)', (pages) => {
  const told = new Told(1000)
  told.fresh([trade(5000, 1, '1')], pages)
  const timeless = { ...trade(0, 2, '2'), timestamp: undefined }
  expect(told.fresh([timeless], pages)).toEqual([timeless])
  expect(told.fresh([timeless], pages)).toEqual([])
})
