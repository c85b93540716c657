import {
  closeSync,
  fstatSync,
  ftruncateSync,
  linkSync,
  openSync,
  readdirSync,
  readFileSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { TidegateError } from '../../schemas/errors.ts'

interface Owner {
  readonly pid: number
  /** Start of the process in ticks since boot, and the boot: tells the owner from a later process of the same number. */
  readonly started?: string
  readonly boot?: string
}

const lockName = /^writer\.(\d+)\.lock$/
const nameOf = (generation: number) => `writer.${generation}.lock`

/**
 * One writer per directory. Locks are files with rising generations; the highest one counts, and an empty one is free.
 * A taker links generation + 1, which only one can, and then looks again: a higher one means it came too late. The highest
 * is never removed, so generations never start again and no two takers can both believe they are the next.
 * A process in another PID namespace or on another machine looks dead; the writer it displaces notices by `held`.
 */
export class WriterLock {
  private readonly fd: number
  private constructor(fd: number) {
    this.fd = fd
  }

  /** @throws LOG_LOCKED (info: pid) when its owner lives */
  static acquire(directory: string): WriterLock {
    for (;;) {
      const top = Math.max(0, ...generations(directory))
      const owner = top === 0 ? undefined : readOwner(join(directory, nameOf(top)))
      if (owner !== undefined && isAlive(owner))
        throw new TidegateError(
          'LOG_LOCKED',
          `${directory}: expected no other writer, found process ${owner.pid}${owner.pid === process.pid ? ' (this one)' : ''}`,
          { directory, pid: owner.pid },
        )
      const fd = claim(directory, top + 1)
      if (fd === undefined) continue
      for (const generation of generations(directory))
        if (generation <= top) remove(join(directory, nameOf(generation)))
      return new WriterLock(fd)
    }
  }

  /** False when another process took over: it removes the locks below its own. */
  held(): boolean {
    return fstatSync(this.fd).nlink > 0
  }

  release(): void {
    ftruncateSync(this.fd, 0)
    closeSync(this.fd)
  }
}

const generations = (directory: string): number[] =>
  readdirSync(directory).flatMap((name) => Number(lockName.exec(name)?.[1] ?? []))

/** Puts a complete lock file at the generation, or gives undefined when another was faster. */
function claim(directory: string, generation: number): number | undefined {
  const own = join(directory, `writer.claim.${process.pid}.${generation}`)
  const path = join(directory, nameOf(generation))
  remove(own)
  const fd = openSync(own, 'wx+')
  try {
    writeSync(fd, JSON.stringify(describe(process.pid)))
    linkSync(own, path)
  } catch (error) {
    closeSync(fd)
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined
    throw error
  } finally {
    remove(own)
  }
  if (generations(directory).every((other) => other <= generation)) return fd
  closeSync(fd)
  remove(path)
  return undefined
}

function remove(path: string): void {
  try {
    unlinkSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

/** The owner a lock file names; undefined when it is free, gone, or was emptied by a loss of power. */
function readOwner(path: string): Owner | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Owner
  } catch {
    return undefined
  }
}

const contentOf = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return undefined
  }
}

/** State and start time of a process (proc(5): fields 3 and 22 of stat); undefined where there is no /proc or process. */
function processStat(pid: number): { state: string; started: string } | undefined {
  const stat = contentOf(`/proc/${pid}/stat`)
  // The second field is the command in parentheses, which may itself hold spaces and parentheses.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields && { state: fields[0] ?? '', started: fields[19] ?? '' }
}

function describe(pid: number): Owner {
  const started = processStat(pid)?.started
  const boot = contentOf('/proc/sys/kernel/random/boot_id')?.trim()
  return { pid, ...(started && { started }), ...(boot && { boot }) }
}

function isAlive(owner: Owner): boolean {
  if (owner.started === undefined) return signalReaches(owner.pid)
  const now = describe(owner.pid)
  const state = processStat(owner.pid)?.state
  // Z and X: killed, and only not yet collected by its parent.
  return now.boot === owner.boot && now.started === owner.started && state !== 'Z' && state !== 'X'
}

function signalReaches(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
