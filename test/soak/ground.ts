import { wallClock } from '../../runtime/clock.ts'
import { startFaultProxy } from '../../testing/fault_proxy.ts'
import { strikes } from '../../testing/faults.ts'
import { FloodVenue } from '../../testing/flood_venue.ts'
import { selfSigned } from '../../testing/self_signed.ts'
import { FIRST_ID } from '../../testing/trade_maker.ts'

/** What the ground of a soak says when it is asked to end. */
export interface Ended {
  readonly printed: number
  /** Per symbol the number of its last trade, counted from 0. */
  readonly last: readonly number[]
  readonly struck: Readonly<Record<string, number>>
  readonly asked: number
  readonly slow: number
}

/** The other side of a soak, in a process of its own: a venue that floods, and a bad network before it. */
const [symbols = '100', rate = '50000', seed = '1', every = '2000000', window = '131072', speech = 'plain'] =
  process.argv.slice(2)
const venue = new FloodVenue({ symbols: Number(symbols), window: Number(window) })
const tls = speech === 'tls' ? selfSigned() : undefined
if (speech === 'tls' && tls === undefined) throw new Error('TLS needs openssl, and there is none')
const proxy = await startFaultProxy({ target: await venue.listen(), ...(tls !== undefined && { tls }) })
process.send?.({ url: proxy.url, rest: proxy.rest, names: venue.names })

const pause = (micros: number) => new Promise<void>((resolve) => wallClock.after(micros, resolve))
let state: 'running' | 'calming' = 'running'

async function print(): Promise<void> {
  const began = wallClock.now()
  let next = 0
  while (state === 'running') {
    const due = Math.floor(((wallClock.now() - began) / 1e6) * Number(rate)) - venue.printed
    // symbols in turn: what a venue prints at one moment is of many
    if (due > 0) venue.print(Math.min(due, 20_000), Math.floor(wallClock.now() / 1e3), () => next++ % Number(symbols))
    await pause(2e3)
  }
}
async function err(): Promise<void> {
  let n = 0
  for (const { after, faults } of strikes(Number(seed), Number(every))) {
    await pause(after)
    if (state !== 'running') return
    // several connections seldom fail at once: four strikes of five are upon one of them
    const place = n++ % 5 === 4 || proxy.links() < 2 ? undefined : n % proxy.links()
    for (const fault of faults) proxy.strike(fault, place)
  }
}
const work = [print(), err()]

process.once('message', () => {
  state = 'calming'
  void (async () => {
    await Promise.all(work.slice(0, 1))
    // what was lost last shows only when something comes behind it
    for (let n = 0; n < 30 || venue.connected === 0; n++) {
      await pause(100e3)
      let next = 0
      if (venue.connected > 0) venue.print(Number(symbols), Math.floor(wallClock.now() / 1e3), () => next++)
    }
    const last = venue.names.map((_, symbol) => venue.last(symbol) - FIRST_ID)
    const { printed, asked, slow } = venue
    process.send?.({ printed, last, struck: proxy.struck(), asked, slow } satisfies Ended)
  })()
})
process.once('disconnect', () => process.exit(0))
