import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createConnection, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'

/**
 * What befalls the next question that passes: `unheard` cuts before the server has it, `unanswered` once the server has
 * answered and before the client hears it, `silent` passes the question and never the answer, and leaves both connected.
 */
export type Mishap = 'none' | 'unheard' | 'unanswered' | 'silent'

const none = { what: 'none', at: '', again: false } as const

/** A relay before the socket of a server, in a folder of its own, that loses what it is told to lose. */
export class SocketRelay {
  readonly folder = mkdtempSync(join(tmpdir(), 'tidegate-relay-'))
  /** Questions to a server are known by a piece of their text. */
  private mishap: { readonly what: Mishap; readonly at: string; readonly again: boolean } = none
  /** New connections are cut at once. */
  shut = false
  private readonly sockets = new Set<Socket>()
  private readonly server: Server
  private readonly target: string

  private constructor(target: string) {
    this.target = target
    this.server = createServer((client) => this.join(client))
  }

  static async start(target: string): Promise<SocketRelay> {
    const relay = new SocketRelay(target)
    relay.server.listen(join(relay.folder, basename(target)))
    await once(relay.server, 'listening')
    return relay
  }

  /** The next question with this text meets the mishap; those after it pass. */
  next(what: Mishap, at: string): void {
    this.mishap = { what, at, again: false }
  }
  /** Every question with this text meets the mishap. */
  always(what: Mishap, at: string): void {
    this.mishap = { what, at, again: true }
  }

  private join(client: Socket): void {
    if (this.shut) return void client.destroy()
    const server = createConnection(this.target)
    let lost: Mishap = 'none'
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.sockets.add(socket)
      socket.on('error', () => undefined)
      socket.once('close', () => {
        this.sockets.delete(socket)
        if (lost !== 'silent') other.destroy()
      })
    }
    client.on('data', (bytes) => {
      const { what, at, again } = this.mishap
      if (what !== 'none' && bytes.includes(at)) {
        lost = what
        if (!again) this.mishap = none
      }
      if (lost === 'unheard') client.destroy()
      else server.write(bytes)
    })
    server.on('data', (bytes) => {
      if (lost === 'none') client.write(bytes)
      // a whole answer ends with `ready for query`
      else if (lost === 'unanswered' && bytes.includes('Z\0\0\0\u0005', 0, 'latin1')) client.destroy()
    })
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy()
    this.server.close()
    await once(this.server, 'close')
    rmSync(this.folder, { recursive: true, force: true })
  }
}
