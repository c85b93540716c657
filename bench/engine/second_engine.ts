import { median } from '../support.ts'
import { cpu, Loop, ROWS, Subject, say, WARM_PASSES } from './subject.ts'

const PASSES = 15

const loop = new Loop(Number(process.argv[2]))
const pass = (subject: Subject): number => {
  loop.moveOn()
  return cpu(() => subject.take(loop.frames)) / ROWS
}
/** Warms all of them in turn, then measures them in turn. */
function inTurn(subjects: readonly Subject[]): readonly number[] {
  const times = subjects.map((): number[] => [])
  for (let i = 0; i < WARM_PASSES + PASSES; i++)
    for (const [s, subject] of subjects.entries()) {
      const time = pass(subject)
      if (i >= WARM_PASSES) times[s]!.push(time)
    }
  return times.map(median)
}

if (process.argv[3] === 'one_plan') {
  const one = await Subject.open(loop)
  one.warm(loop)
  // The other two come when the first is warm, as in a process that runs on.
  const [first, second, third] = inTurn([one, await Subject.open(loop), await Subject.open(loop)])
  say({ first_ns: first!, second_ns: second!, third_ns: third!, second: second! / first!, third: third! / first! })
} else {
  const one = await Subject.open(loop, { binding: 'loose' })
  const [first] = inTurn([one])
  const program = one.engine.program
  one.engine.close()
  const two = await Subject.open(loop, { binding: 'loose', trend: 7 })
  if (two.engine.program !== program) throw new Error('other params made another program')
  const fresh = pass(two)
  const [second] = inTurn([two])
  say({ first_ns: first!, reused_ns: second!, reused: second! / first!, reused_first_pass: fresh / first! })
}
