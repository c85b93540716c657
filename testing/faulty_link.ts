import type { Duplex } from 'node:stream'
import type { Clock } from '../runtime/clock.ts'
import { type Fault, rubbish } from './faults.ts'
import { type Frame, FrameReader } from './websocket_bytes.ts'

/** The faults that befall an open connection. */
export type LinkFault = Exclude<Fault, { readonly type: 'refuse' | 'rest' }>

type Mode =
  | { readonly state: 'passing' }
  | { readonly state: 'losing'; left: number }
  | { readonly state: 'gathering'; readonly how: 'duplicate' | 'reorder'; left: number; readonly frames: Buffer[] }
  | {
      readonly state: 'stalled'
      readonly deaf: boolean
      readonly outcome: 'tell' | 'lose'
      held: Buffer[]
      readonly cancel: () => void
    }
  | { readonly state: 'dribbling'; bytes: Buffer; cancel: () => void }
  | { readonly state: 'truncating' }
  | { readonly state: 'closed' }

const BYTE_EVERY = 1e3
/** A fatal alert, `internal_error`, of TLS 1.2 (RFC 8446, 6). */
const ALERT = Buffer.from([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x50])

/** One open connection through the proxy: frames of the venue pass until a fault is put upon it. */
export class FaultyLink {
  private mode: Mode = { state: 'passing' }
  private readonly reader = new FrameReader()
  private readonly client: Duplex
  /** What lies below the client's TLS; the same as the client where there is none. */
  private readonly below: Duplex
  private readonly venue: Duplex
  private readonly clock: Clock

  constructor(client: Duplex, below: Duplex, venue: Duplex, clock: Clock) {
    this.client = client
    this.below = below
    this.venue = venue
    this.clock = clock
    client.on('data', (chunk: Buffer) => this.deaf || venue.write(chunk))
    client.on('drain', () => this.mode.state === 'dribbling' || venue.resume())
    for (const [socket, other] of [
      [client, venue],
      [venue, client],
    ] as const) {
      socket.on('error', () => {})
      socket.once('end', () => other.end())
      socket.once('close', () => this.close())
    }
    venue.on('data', (chunk: Buffer) => this.take(chunk))
  }

  get open(): boolean {
    return this.mode.state !== 'closed'
  }
  private get deaf(): boolean {
    return this.mode.state === 'closed' || (this.mode.state === 'stalled' && this.mode.deaf)
  }

  /** Whether the fault befell it: one at a time. */
  suffer(fault: LinkFault): boolean {
    if (this.mode.state !== 'passing') return false
    switch (fault.type) {
      case 'cut':
        this.close()
        break
      case 'stall': {
        const cancel = this.clock.after(fault.micros, () => this.goOn())
        this.mode = { state: 'stalled', deaf: fault.deaf, outcome: fault.outcome, held: [], cancel }
        break
      }
      case 'lose':
        this.mode = { state: 'losing', left: fault.messages }
        break
      case 'duplicate':
      case 'reorder':
        this.mode = { state: 'gathering', how: fault.type, left: fault.messages, frames: [] }
        break
      case 'truncate':
        this.mode = { state: 'truncating' }
        break
      case 'rubbish':
        this.client.write(rubbish[fault.what])
        break
      case 'dribble':
        this.dribble(this.clock.now() + fault.micros)
        break
      case 'tls_end':
        if (fault.how === 'alert') this.below.write(ALERT)
        this.leave(fault.how === 'close_notify' ? this.client : this.below)
        break
    }
    return true
  }

  close(): void {
    if ('cancel' in this.mode) this.mode.cancel()
    this.mode = { state: 'closed' }
    this.client.destroy()
    this.below.destroy()
    this.venue.destroy()
  }

  private take(chunk: Buffer): void {
    if (this.mode.state === 'passing') this.pass(this.reader.whole(chunk))
    else for (const frame of this.reader.frames(chunk)) this.one(frame)
  }

  private pass(bytes: Buffer): void {
    if (bytes.length > 0 && !this.client.write(bytes)) this.venue.pause()
  }

  private one({ opcode, bytes }: Frame): void {
    const { mode } = this
    switch (mode.state) {
      case 'closed':
        break
      case 'passing':
        this.pass(bytes)
        break
      case 'stalled':
        if (opcode < 8 ? mode.outcome === 'tell' : mode.deaf) mode.held.push(Buffer.from(bytes))
        else if (opcode >= 8) this.pass(bytes)
        break
      case 'dribbling':
        mode.bytes = Buffer.concat([mode.bytes, bytes])
        break
      case 'losing':
        if (opcode >= 8) this.pass(bytes)
        else if (--mode.left <= 0) this.mode = { state: 'passing' }
        break
      case 'gathering':
        if (opcode >= 8) this.pass(bytes)
        else {
          mode.frames.push(Buffer.from(bytes))
          if (--mode.left <= 0) this.goOn()
        }
        break
      case 'truncating':
        this.client.write(bytes.subarray(0, bytes.length >> 1))
        this.leave(this.client)
        break
    }
  }

  /** Hands out what was kept back, and lets pass again. */
  private goOn(): void {
    const { mode } = this
    this.mode = { state: 'passing' }
    if (mode.state === 'stalled') this.pass(Buffer.concat(mode.held))
    if (mode.state === 'dribbling') {
      this.pass(mode.bytes)
      this.venue.resume()
    }
    if (mode.state === 'gathering') {
      const { frames } = mode
      this.pass(Buffer.concat(mode.how === 'reorder' ? frames.reverse() : [...frames, ...frames]))
    }
  }

  /** What the venue sends meanwhile waits at the venue. */
  private dribble(until: number): void {
    const mode: Mode = { state: 'dribbling', bytes: Buffer.alloc(0), cancel: () => {} }
    this.mode = mode
    const next = () => {
      if (this.clock.now() >= until) {
        this.goOn()
        return
      }
      if (mode.bytes.length > 0) {
        this.venue.pause()
        this.client.write(mode.bytes.subarray(0, 1))
        mode.bytes = mode.bytes.subarray(1)
      } else this.venue.resume()
      mode.cancel = this.clock.after(BYTE_EVERY, next)
    }
    next()
  }

  /** Shuts one direction down properly; nothing comes after it. */
  private leave(socket: Duplex): void {
    this.mode = { state: 'stalled', deaf: true, outcome: 'lose', held: [], cancel: () => {} }
    socket.end()
  }
}
