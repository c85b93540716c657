import type { Missing, Row } from '../feed/venue.ts'

/** Asks for rows page by page, the newest first, each page below the number of the one before. */
export async function fillBack<T>(
  { from, to }: Missing,
  pages: number,
  page: (below: number) => Promise<readonly (Row<T> | undefined)[]>,
): Promise<readonly Row<T>[]> {
  const rows: Row<T>[] = []
  let below = to + 1
  for (let asked = 0; asked < pages && below > from; asked++) {
    const found = (await page(below)).filter((row) => row !== undefined).filter(({ id }) => id < below)
    if (found.length === 0) break
    rows.push(...found.filter(({ id }) => id >= from))
    below = Math.min(...found.map(({ id }) => id))
  }
  return rows.sort((a, b) => a.id - b.id)
}
