import type { Reply } from '../../runtime/log/jetstream/exchange.ts'
import { type Chance, calm, type Weather } from './chance.ts'
import type { Server, Stored } from './server.ts'

/** What can die. What it waits for then never comes, and what it sent may still arrive. */
export interface Process {
  readonly name: string
  alive: boolean
}

/** Something on its way. */
interface Flight {
  readonly process: Process
  /** Its turn has come. */
  arrive(): void
  /** The server restarts; true when it stays on its way. */
  cut(): boolean
}

const drained = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const unknown = (reason: string): Reply => ({ type: 'unknown', reason })

/**
 * What lies between processes and the server. Nothing arrives by itself: `turn` takes anything that is on its way, in no
 * order, so that whatever waits may wait while all else happens.
 */
export class Network {
  readonly server: Server
  readonly chance: Chance
  weather: Weather
  lostAnswers = 0
  private readonly flights: Flight[] = []

  constructor(server: Server, chance: Chance, weather: Weather) {
    this.server = server
    this.chance = chance
    this.weather = weather
  }

  get idle(): boolean {
    return this.flights.length === 0
  }
  /** One thing arrives, or the server restarts; then all processes go on until they wait again. */
  async turn(): Promise<void> {
    const { chance, flights } = this
    if (chance.happens(this.weather.restart)) {
      const kept = flights.splice(0).filter((flight) => flight.cut())
      flights.push(...kept)
    } else if (flights.length > 0) {
      const i = chance.below(flights.length)
      const flight = flights[i] as Flight
      flights[i] = flights.at(-1) as Flight
      flights.pop()
      flight.arrive()
    }
    await drained()
  }
  /** Without faults from here on. */
  calm(): void {
    this.weather = calm
  }
  /** Takes turns until some work is done. */
  async finish<T>(work: Promise<T>): Promise<T> {
    let done = false
    const end = () => {
      done = true
    }
    work.then(end, end)
    while (!done) await this.turn()
    return work
  }

  /** Sends a message to the server, where it may arrive at any later time, whatever its sender was told. */
  publish(process: Process, stream: string, data: Uint8Array, expectedLast: number, id: string): Promise<Reply> {
    return new Promise((settle) => {
      let waits = true
      const answer = (reply: Reply) => {
        waits = false
        if (process.alive) settle(reply)
      }
      const request: Flight = {
        process,
        arrive: () => {
          const { chance, weather } = this
          if (chance.happens(weather.lost)) return answer(unknown('no answer'))
          if (waits && chance.happens(weather.late)) {
            answer(unknown('no answer for now'))
            this.flights.push(request)
            return
          }
          this.answered(process, this.take(stream, data, expectedLast, id), waits ? answer : undefined)
        },
        // it may lie in a buffer of the sender, who is told nothing
        cut: () => {
          answer(unknown('the connection was lost'))
          return this.chance.below(2) === 0
        },
      }
      this.flights.push(request)
    })
  }
  private take(stream: string, data: Uint8Array, expectedLast: number, id: string): Reply {
    const { chance, weather } = this
    if (chance.happens(weather.busy)) return { type: 'refused', code: 10164, reason: 'another message is on its way' }
    if (chance.happens(weather.full)) return { type: 'refused', code: 10077, reason: 'maximum bytes exceeded' }
    return this.server.publish(stream, data, expectedLast, id)
  }
  private answered(process: Process, reply: Reply, answer: ((reply: Reply) => void) | undefined): void {
    const lose = (reason: string) => {
      this.lostAnswers++
      answer?.(unknown(reason))
      return false
    }
    if (answer === undefined || !process.alive || this.chance.happens(this.weather.lost_answer)) lose('no answer')
    else this.flights.push({ process, arrive: () => answer(reply), cut: () => lose('the connection was lost') })
  }

  /** Asks what a stream holds; undefined where no answer could be had. */
  ask<T>(process: Process, stream: string, question: (records: readonly Stored[]) => T): Promise<T | undefined> {
    return new Promise((settle) => {
      const answer = (found: T | undefined) => process.alive && settle(found)
      this.flights.push({
        process,
        arrive: () => {
          const { chance, weather } = this
          if (!process.alive) return
          if (chance.happens(weather.unanswered)) return answer(undefined)
          const records = this.server.records(stream)
          const behind = chance.happens(weather.stale) ? chance.below(4) : 0
          const found = question(behind === 0 ? records : records.slice(0, -behind))
          // by the time it is heard, more may have happened
          if (!chance.happens(weather.late)) return answer(found)
          this.flights.push({ process, arrive: () => answer(found), cut: () => !answer(undefined) && false })
        },
        cut: () => {
          answer(undefined)
          return false
        },
      })
    })
  }
  /** Waits for a turn. */
  pause(process: Process): Promise<void> {
    return new Promise((settle) => {
      this.flights.push({ process, arrive: () => process.alive && settle(), cut: () => process.alive })
    })
  }
}
