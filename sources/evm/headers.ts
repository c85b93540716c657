import { type Ask, blockByNumber } from './questions.ts'
import type { Head } from './wire.ts'

const abreast = 8

/**
 * Headers by number, many at once, found again by their hash: what a walk from parent to parent finds here it need not
 * ask for. Both ends are included.
 * @throws RpcFailure
 */
export async function headersBetween(ask: Ask, from: number, to: number): Promise<ReadonlyMap<string, Head>> {
  const found = new Map<string, Head>()
  for (let number = from; number <= to; number += abreast) {
    const numbers = Array.from({ length: Math.min(abreast, to - number + 1) }, (_, n) => number + n)
    for (const head of await Promise.all(numbers.map((n) => ask(blockByNumber(n))))) found.set(head.hash, head)
  }
  return found
}
