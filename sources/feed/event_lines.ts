/** Cuts a stream of server-sent events into the data of each event (html.spec.whatwg.org, "Server-sent events"). */
export class EventLines {
  private readonly decoder = new TextDecoder()
  private readonly most: number
  private rest = ''
  private data: string[] = []

  /** `most`: characters of one event at most. */
  constructor(most: number) {
    this.most = most
  }

  /** The events that end in this chunk. Comments and other fields than `data` tell nothing. */
  take(chunk: Uint8Array): readonly string[] | 'oversized' {
    const text = this.rest + this.decoder.decode(chunk, { stream: true })
    const lines = text.split(/\r\n|\n|\r(?!$)/)
    this.rest = lines.pop() ?? ''
    const events: string[] = []
    for (const line of lines) {
      if (line === '') {
        if (this.data.length > 0) events.push(this.data.join('\n'))
        this.data = []
      } else if (line.startsWith('data:')) this.data.push(line.slice(line[5] === ' ' ? 6 : 5))
    }
    const kept = this.rest.length + this.data.reduce((sum, { length }) => sum + length, 0)
    return kept > this.most ? 'oversized' : events
  }
}
