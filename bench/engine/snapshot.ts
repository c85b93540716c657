import { Snapshots } from '../../runtime/state/snapshot.ts'
import { median } from '../support.ts'
import { Loop, Subject, say } from './subject.ts'

const REPEATS = 200
const WARM = 100

const loop = new Loop(Number(process.argv[2]))
const subject = await Subject.open(loop)
subject.warm(loop, 2)
const { network } = subject.engine
const keys = [...network.keys]
const snapshots = new Snapshots(subject.engine)
const target = await Subject.open(loop)
const targetSnapshots = new Snapshots(target.engine)

/** µs per key, median of many times. */
function perKey(run: () => void, prepare: () => void = () => {}): number {
  const times: number[] = []
  for (let i = 0; i < WARM + REPEATS; i++) {
    prepare()
    const before = performance.now()
    run()
    if (i >= WARM) times.push(performance.now() - before)
  }
  return (median(times) * 1000) / keys.length
}

/** The same states as objects: what a general copy would have to take. */
const states = network.records
const json = (_: string, value: unknown) =>
  typeof value === 'bigint' ? value.toString() : value instanceof Float64Array ? [...value] : value
let text = ''
const bytes = snapshots.save(true)
targetSnapshots.load(bytes, keys)
target.engine.resume()
if (Buffer.compare(targetSnapshots.save(true), bytes) !== 0) throw new Error('what was loaded is not what was saved')
say({
  bytes_per_key: bytes.byteLength / keys.length,
  save_all: perKey(() => snapshots.save(true)),
  save_dirty: perKey(
    () => snapshots.save(false),
    () => network.dirty.fill(1),
  ),
  load: perKey(() => targetSnapshots.load(bytes, keys)),
  structured_clone: perKey(() => structuredClone(states)),
  json_text: perKey(() => {
    text = JSON.stringify(states, json)
  }),
  json_parse: perKey(() => JSON.parse(text)),
})
