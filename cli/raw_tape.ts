import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Observable } from 'rxjs'
import type { Catalogue, SourceContext, SourceItem } from '../runtime/define.ts'
import { type PlannedSource, plan as planOf } from '../runtime/plan.ts'
import type { TapeInfo } from '../runtime/tape.ts'
import { playRaw } from '../runtime/wire/play_raw.ts'
import type { RawStart } from '../runtime/wire/raw_line.ts'
import { readRaw } from '../runtime/wire/raw_reader.ts'
import { rawFiles } from '../runtime/wire/raw_writer.ts'
import { TidegateError } from '../schemas/errors.ts'
import { ItemTape } from './item_tape.ts'
import type { Io } from './verb.ts'

/** The folder itself, or the only one in it that holds raw frames. @throws FILE_ABSENT, USAGE where there are several */
function folderOfRaw(given: string): string {
  if (statSync(given, { throwIfNoEntry: false })?.isDirectory() !== true || rawFiles(given).length > 0) return given
  const below = readdirSync(given, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && rawFiles(join(given, entry.name)).length > 0)
    .map(({ name }) => join(given, name))
  if (below.length > 1)
    throw new TidegateError('USAGE', `${given} holds raw frames of several sources; name one: ${below.join(', ')}`)
  return below[0] ?? given
}

async function startOf(directory: string): Promise<RawStart> {
  for await (const { line } of readRaw(directory, () => {}))
    if (line.word === 'start' || line.word === 'continued') return line.value
  throw new TidegateError('RECORDING_CORRUPT', `${directory}: expected a first line that names the source, found none`)
}

/**
 * Makes a tape of what a source says to recorded raw frames: with the params it was recorded with, or those of `planned`.
 * @throws FILE_ABSENT, RECORDING_CORRUPT, UNKNOWN_COMPONENT, BINDING_INVALID, INPUT_INVALID where there is nothing
 */
export async function rawTape(
  given: string,
  out: string,
  {
    catalogue,
    io,
    planned,
  }: { readonly catalogue: Catalogue; readonly io: Pick<Io, 'say' | 'progress'>; readonly planned?: PlannedSource },
): Promise<TapeInfo> {
  const directory = folderOfRaw(given)
  const first = await startOf(directory)
  const source = planned ?? plannedOf(first, catalogue)
  const { component } = source
  if (component.name !== first.source)
    throw new TidegateError(
      'BINDING_INVALID',
      `node "${source.id}" is ${component.name}, but ${directory} holds raw frames of ${first.source}`,
      { node: source.id, expected: component.name, found: first.source },
    )
  if (component.version !== first.version)
    io.say(`${first.source}: recorded by version ${first.version}, read by version ${component.version}`)
  const open = component.open as unknown as (p: unknown, context: SourceContext) => Observable<readonly SourceItem[]>
  const session = (start: RawStart, context: SourceContext) =>
    open(planned === undefined ? plannedOf(start, catalogue).params : planned.params, context)
  const tape = new ItemTape(out, source)
  let rows = 0
  try {
    for await (const items of playRaw(readRaw(directory, io.say), session, io.say)) {
      tape.push(items)
      for (const { type } of items) if (type === 'row') rows++
      io.progress(`${directory}: ${rows.toLocaleString('en')} rows`)
    }
    if (rows === 0)
      throw new TidegateError('INPUT_INVALID', `${directory}: ${first.source} reads no row in these frames`, {
        directory,
      })
  } catch (error) {
    await tape.discard()
    throw error
  }
  return tape.close()
}

/** A source alone is the smallest pipeline there is. */
function plannedOf({ node, source, params }: RawStart, catalogue: Catalogue): PlannedSource {
  const definition = { pipeline: 'recorded', nodes: { [node]: { source, params } } }
  return planOf(definition as never, catalogue, 'paper').sources[0] as PlannedSource
}
