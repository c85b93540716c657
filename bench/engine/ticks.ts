import { isolationOff } from './isolation_off.ts'
import { cpu, Loop, ROWS, Subject, say } from './subject.ts'

const LEAST = 1e9

const [symbols, averages, ...without] = process.argv.slice(2)
const stripped = without.includes('isolation') ? isolationOff() : undefined
const loop = new Loop(Number(symbols))
const subject = await Subject.open(loop, { averages: Number(averages), metered: !without.includes('meters') })
subject.warm(loop)
if (stripped?.() === 0) throw new Error('the program isolates no node')
let [spent, passes] = [0, 0]
while (spent < LEAST) {
  loop.moveOn()
  spent += cpu(() => subject.take(loop.frames))
  passes++
}
say({ ns_per_tick: spent / passes / ROWS })
