import type { Missing, Row } from '../feed/venue.ts'

const PAGE = 1000
/** Asks for rows from a number on, a thousand at a time (REST API, Market Data endpoints, 2026-11). */
export async function fillFrom<T>(
  { symbol, from, to }: Missing,
  page: (query: { symbol: string; fromId: number; limit: number }) => Promise<readonly Row<T>[]>,
): Promise<readonly Row<T>[]> {
  const rows: Row<T>[] = []
  for (let next = from; next <= to; ) {
    const found = await page({ symbol, fromId: next, limit: Math.min(PAGE, to - next + 1) })
    rows.push(...found.filter(({ id }) => id >= next && id <= to))
    const newest = found.at(-1)
    if (newest === undefined || newest.id < next) break
    next = newest.id + 1
  }
  return rows
}
