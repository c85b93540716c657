import { DeliverPolicy } from '@nats-io/jetstream'
import type { Link } from '../../runtime/log/jetstream/link.ts'
import { due, dueAt, type Schedule } from './schedule.ts'
import { tickOf } from './tick.ts'

/** Messages on their way at most, as in our own publisher. */
const WINDOW = 1024

/** The library's own publish, with many on their way. */
class Window {
  private readonly link: Link
  private open = 0
  private wake: () => void = () => {}

  constructor(link: Link) {
    this.link = link
  }
  /** Gives what to wait for where there is no room for the next one. */
  publish(subject: string, data: Uint8Array): Promise<void> | undefined {
    this.open++
    void this.link.js.publish(subject, data).then(() => {
      this.open--
      this.wake()
    })
    return this.open < WINDOW ? undefined : this.fewerThan(WINDOW)
  }
  flush(): Promise<void> {
    return this.fewerThan(1)
  }
  private async fewerThan(count: number): Promise<void> {
    while (this.open >= count) await this.news()
  }
  private news(): Promise<void> {
    return new Promise((resolve) => {
      this.wake = resolve
    })
  }
}

/** The first hop: each tick a message, as long as a signal. */
export async function publishTicks(link: Link, schedule: Schedule, bytes: number): Promise<void> {
  const window = new Window(link)
  const encoder = new TextEncoder()
  for await (const { from, to } of due(schedule))
    for (let n = from; n < to; n++) {
      const text = JSON.stringify({ at: dueAt(schedule, n), ...tickOf(n) })
      const full = window.publish('relay.a', encoder.encode(text.padEnd(bytes)))
      // an await for every message would make each a write of its own
      if (full !== undefined) await full
    }
  await window.flush()
}

/** The other hops: what stands in one stream is published to the next. */
export async function relay(link: Link): Promise<void> {
  const hop = async (from: string, to: string) => {
    const consumer = await link.js.consumers.get(from, { deliver_policy: DeliverPolicy.New })
    const messages = await consumer.consume({ max_messages: 1000, expires: 2000, idle_heartbeat: 500 })
    process.stdout.write(`took ${to}\n`)
    const window = new Window(link)
    for await (const { data } of messages) {
      const full = window.publish(to, data)
      if (full !== undefined) await full
    }
  }
  await Promise.all([hop('relay_a', 'relay.b'), hop('relay_b', 'relay.c')])
}
