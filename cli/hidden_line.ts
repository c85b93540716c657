/** A terminal, as far as it is asked here. */
export interface Terminal {
  readonly input: NodeJS.ReadStream
  readonly output: NodeJS.WritableStream
}

/** Asks for a line and shows nothing of it. Undefined where it is given up (Ctrl-C, Ctrl-D at its start). */
export async function hiddenLine(question: string, { input, output }: Terminal): Promise<string | undefined> {
  // In this order: what is typed before would be shown.
  input.setRawMode(true)
  output.write(question)
  input.setEncoding('utf8')
  let line = ''
  try {
    for await (const typed of input.iterator({ destroyOnReturn: false }) as AsyncIterable<string>)
      for (const character of typed) {
        if (character === '\r' || character === '\n') return line
        if (character === '\u0003' || (character === '\u0004' && line === '')) return undefined
        line = character === '\u007f' || character === '\b' ? line.slice(0, -1) : line + character
      }
    return undefined
  } finally {
    input.setRawMode(false)
    input.pause()
    output.write('\n')
  }
}
