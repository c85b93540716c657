import type { Market } from '../../sinks/evm/market.ts'
import type { TestLeg } from './test_round.ts'

/** Whole units of a token as a decimal of it. */
export function amountText(units: bigint, { decimals }: { readonly decimals: number }): string {
  const digits = (units < 0n ? -units : units).toString().padStart(decimals + 1, '0')
  const [whole, fraction] = [digits.slice(0, digits.length - decimals), digits.slice(digits.length - decimals)]
  const rest = fraction.replace(/0+$/, '')
  return `${units < 0n ? '-' : ''}${whole}${rest === '' ? '' : `.${rest}`}`
}

export function legDocument({ paid, got, gas, side, ...rest }: TestLeg, { base, quote }: Market) {
  const [pay, get] = side === 'buy' ? [quote, base] : [base, quote]
  return {
    ...rest,
    side,
    paid: amountText(paid, pay),
    got: amountText(got, get),
    gas: amountText(gas, { decimals: 18 }),
  }
}

export function legText(leg: TestLeg, market: Market): string {
  const { side, state, paid, got, gas, transaction, block, code, reason } = legDocument(leg, market)
  const why = [code, reason].filter((text) => text !== '').join(': ')
  const what = state === 'filled' ? `paid ${paid}, got ${got}, gas ${gas}; block ${block}, ${transaction}` : why
  return `${side}: ${state}${what === '' ? '' : `: ${what}`}`
}
