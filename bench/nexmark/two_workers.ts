import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { scriptAt } from '../support.ts'
import type { EndToEnd } from './end_to_end.ts'

export const WORKERS = 2
export interface Together {
  readonly events: number
  readonly answers: number
  /** From the moment both were told to go on until the slower one was done. */
  readonly seconds: number
}

const start = (args: readonly string[]): ChildProcess =>
  spawn(process.execPath, [...process.execArgv, scriptAt('share', import.meta.url), ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })

/** Two processes, each with the stages of half the key groups, over the same time. */
export async function twoWorkers(servers: string, name: string): Promise<Together> {
  const all = Array.from({ length: WORKERS }, (_, part) => {
    const child = start([servers, name, String(part), String(WORKERS)])
    let text = ''
    const warm = new Promise<void>((resolve, reject) => {
      child.stdout!.setEncoding('utf8').on('data', (some: string) => {
        text += some
        if (text.startsWith('warm\n')) resolve()
      })
      child.once('exit', (code) => reject(new Error(`${name}: a worker ended with ${code} before it was warm`)))
    })
    const found = once(child, 'close').then(() => JSON.parse(text.slice('warm\n'.length)) as EndToEnd)
    return { child, warm, found }
  })
  await Promise.all(all.map(({ warm }) => warm))
  for (const { child } of all) child.stdin!.end('go\n')
  const found = await Promise.all(all.map(({ found }) => found))
  const sum = (of: (one: EndToEnd) => number) => found.reduce((total, one) => total + of(one), 0)
  return {
    events: sum((one) => one.events),
    answers: sum((one) => one.answers),
    seconds: Math.max(...found.map((one) => one.seconds)),
  }
}
