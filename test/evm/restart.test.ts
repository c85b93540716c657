import { describe, expect, test } from 'vitest'
import type { Seams } from '../../sinks/evm/open_executor.ts'
import { anvilBinary } from '../../testing/anvil.ts'
import type { DrivenExecutor } from './drive_executor.ts'
import { freshGround } from './fresh_ground.ts'
import { paidOf } from './ground.ts'
import { untruths } from './truth.ts'

class Died extends Error {}

/** A process that ends at the n-th append, before or after it is on disk. */
function diesAt(n: number, when: 'before' | 'after') {
  let appends = 0
  const seams: Seams = {
    journal: ({ journal, entries }) => ({
      entries,
      journal: {
        append: async (added) => {
          appends++
          if (appends > n || (appends === n && when === 'before')) throw new Died()
          await journal.append(added)
          if (appends === n) throw new Died()
        },
        close: () => journal.close(),
      },
    }),
  }
  return { seams, appends: () => appends }
}

describe.skipIf(anvilBinary() === undefined)('restarts', () => {
  const fresh = freshGround()

  /**
   * Appends of one order and the right it needs, from the first of a journal; on a slow machine fewer, for what one look
   * at the chain finds stands together.
   */
  const boundaries = 13
  const least = 10

  /** Opens it, gives it the order unless it has it, and lets it go on until it ends or nothing is open. */
  async function live(driven: DrivenExecutor, seams?: Seams): Promise<'died' | 'done'> {
    try {
      await driven.open(seams)
      const known = [...driven.book().all()].some(({ intent }) => intent.purpose === 'trade')
      if (!known) await driven.order(1)
      await driven.ended()
      return 'done'
    } catch (error) {
      if (!(error instanceof Died)) throw error
      return 'died'
    } finally {
      await driven.close()
    }
  }
  async function checked(driven: DrivenExecutor): Promise<void> {
    expect(await untruths(fresh.ground, driven)).toEqual([])
    expect((await fresh.ground.swaps()).map(({ paid }) => paid)).toEqual([paidOf(1)])
    expect(driven.answers.filter(({ port }) => port === 'fill')).toHaveLength(1)
    // one for the right, one for the trade
    expect(Number(await fresh.ground.anvil.rpc('eth_getTransactionCount', fresh.ground.account, 'latest'))).toBe(2)
  }

  test('an order that is left alone takes as many appends as are looked at below, or nearly', async () => {
    const driven = fresh.prepare()
    const counted = diesAt(Number.POSITIVE_INFINITY, 'after')
    expect(await live(driven, counted.seams)).toBe('done')
    expect(counted.appends()).toBeGreaterThanOrEqual(least)
    await checked(driven)
  })

  test.each(
    Array.from({ length: boundaries }, (_, n) => n + 1).flatMap((n) => [['before', n] as const, ['after', n] as const]),
  )('a process that ends %s append %i sends nothing twice and tells all once', async (when, n) => {
    const driven = fresh.prepare()
    const ended = await live(driven, diesAt(n, when).seams)
    if (n <= least) expect(ended).toBe('died')
    expect(await live(driven)).toBe('done')
    await checked(driven)
  })

  test.each([1, 2, 3])('processes that end after %i appends each get there in the end', async (appends) => {
    const driven = fresh.prepare()
    let lives = 1
    while ((await live(driven, diesAt(appends, 'after').seams)) === 'died') lives++
    expect(lives).toBeGreaterThanOrEqual(least / appends)
    await checked(driven)
  })

  test('orders that are given again after each restart are done once', async () => {
    const driven = await fresh.drive()
    const order = await driven.order(1)
    for (const step of ['signed', 'seen', 'included', 'settled'] as const) {
      await driven.stepped(order, step)
      await driven.restart()
      await driven.take(order)
      await driven.take(order, order)
    }
    await driven.until(() => true)
    await checked(driven)
  })
})
