import { openEmbeddedLog } from './embedded.ts'
import { payloadOf } from './sample_payload.ts'

// What the crash tests start as another process: appends until it is killed and prints each sequence once it is acknowledged
// (writes to a pipe are synchronous on Linux).
const [directory = '', segmentBytes = '67108864', count = 'Infinity'] = process.argv.slice(2)
// Without a handler the signal of a passed file size limit ends the process before the error is seen.
process.on('SIGXFSZ', () => undefined)
const log = await openEmbeddedLog(directory, { segmentBytes: Number(segmentBytes) })
const stream = await log.stream('loop')
let { last } = await stream.state()
process.stdout.write(`open ${last}\n`)
try {
  for (const end = last + Number(count); last < end; ) {
    last = await stream.append(payloadOf(last + 1), last)
    process.stdout.write(`${last}\n`)
  }
  process.stdout.write('done\n')
  setInterval(() => undefined, 1000)
} catch (error) {
  process.stdout.write(`failed ${(error as { code?: string }).code} after ${last}\n`)
  await log.close()
}
