import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import type { Seams } from '../../sinks/evm/open_executor.ts'
import { type DriveGround, DrivenExecutor, type DriveParams } from './drive_executor.ts'
import { startGround } from './ground.ts'

export interface Fresh<G> {
  readonly ground: G
  /** Opens an executor, which is closed with the test. With the same journal as another where `environment` says so. */
  readonly drive: (given?: DriveParams, seams?: Seams) => Promise<DrivenExecutor>
  /** One that is not opened yet. */
  readonly prepare: (given?: DriveParams) => DrivenExecutor
  /** Where journals of a new folder are kept. */
  readonly journals: () => Readonly<Record<string, string>>
}
type Startable = DriveGround & { readonly folder: string; readonly close: () => Promise<void> }

/** A ground for the tests of a file, as it was at first before each of them. `set` adds to it once. */
export function freshGround(set?: (ground: Awaited<ReturnType<typeof startGround>>) => Promise<void>) {
  return freshOn(async () => {
    const ground = await startGround()
    await set?.(ground)
    return ground
  })
}
export function freshOn<G extends Startable>(start: () => Promise<G>): Fresh<G> {
  let ground: G
  let opened: DrivenExecutor[] = []
  let snapshot: unknown
  const journals = () => ({ TIDEGATE_JOURNALS: mkdtempSync(join(ground.folder, 'journals-')) })
  const prepare = (given: DriveParams = {}) => {
    const environment = given.environment ?? journals()
    const driven = new DrivenExecutor(ground, { ...given, environment })
    opened.push(driven)
    return driven
  }
  beforeAll(async () => {
    ground = await start()
  }, 60_000)
  afterAll(() => ground?.close())
  beforeEach(async () => {
    snapshot = await ground.anvil.rpc('evm_snapshot')
  })
  afterEach(async () => {
    ground.proxy.meets = () => undefined
    for (const driven of opened.splice(0)) await driven.close()
    opened = []
    await ground.anvil.rpc('evm_revert', snapshot)
    await ground.proxy.pool.clear()
  })
  return {
    get ground() {
      return ground
    },
    prepare,
    journals,
    drive: (given, seams) => prepare(given).open(seams),
  }
}
