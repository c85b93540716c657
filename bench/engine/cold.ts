import { cpu, Loop, Subject, say } from './subject.ts'

const ROWS = 100_000

const [symbols, before] = process.argv.slice(2)
const loop = new Loop(Number(symbols), ROWS)
const binding = before === 'nothing' ? 'fixed' : 'loose'
if (before !== 'nothing') {
  const other = await Subject.open(loop, { binding, trend: 7 })
  other.warm(loop, 20)
  other.engine.close()
}
const subject = await Subject.open(loop, { binding })
const pass = () => {
  loop.moveOn()
  return cpu(() => subject.take(loop.frames)) / ROWS
}
say({ first_100k_ns: pass(), next_100k_ns: pass(), third_100k_ns: pass() })
