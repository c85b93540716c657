/** Lines of a program, indented by their braces. */
export class Text {
  private readonly lines: string[] = []
  private depth = 0

  add(...lines: readonly string[]): this {
    for (const line of lines) {
      if (line.startsWith('}')) this.depth--
      this.lines.push(line === '' ? '' : `${'  '.repeat(this.depth)}${line}`)
      if (line.endsWith('{')) this.depth++
    }
    return this
  }
  toString(): string {
    return this.lines.join('\n')
  }
}
