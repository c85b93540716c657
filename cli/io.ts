import { createInterface } from 'node:readline'
import type { Io } from './verb.ts'

/** Standard streams. Progress is drawn only on a terminal, at most ten times a second, and cleared before words. */
export function standardIo(json: boolean): Io {
  const { stdout, stderr, stdin } = process
  const terminal = stderr.isTTY === true
  let drawn = false
  let last = 0
  const clear = () => {
    if (drawn) stderr.write('\r\u001b[K')
    drawn = false
  }
  return {
    json,
    document(value, render) {
      clear()
      const text = json ? JSON.stringify(value, undefined, 2) : render()
      stdout.write(text.endsWith('\n') ? text : `${text}\n`)
    },
    line(value, text) {
      stdout.write(`${json ? JSON.stringify(value) : text}\n`)
    },
    say(text) {
      clear()
      stderr.write(`${text}\n`)
    },
    progress(text) {
      if (!terminal || performance.now() - last < 100) return
      last = performance.now()
      stderr.write(`\r\u001b[K${text.slice(0, (stderr.columns ?? 80) - 1)}`)
      drawn = true
    },
    stdin: () => createInterface({ input: stdin, crlfDelay: Number.POSITIVE_INFINITY }),
  }
}

/** A bar of twenty cells for a share between 0 and 1. */
export const bar = (share: number): string => {
  const full = Math.max(0, Math.min(20, Math.round(share * 20)))
  return `[${'='.repeat(full)}${' '.repeat(20 - full)}] ${String(Math.round(share * 100)).padStart(3)} %`
}
