import { codes } from '../../schemas/errors.ts'
import { setOption } from '../definition.ts'
import { type FileResult, runTestFile } from '../pipeline_test/run_file.ts'
import type { Verb } from '../verb.ts'

export const testVerb: Verb = {
  name: 'test',
  summary:
    'Runs the test file of a pipeline: events in, expected outputs, and the same again with a crash at every step.',
  form: 'FILE...',
  positionals: { min: 1, max: 1000 },
  options: { set: setOption },
  notes: `FILE is a definition, whose tests stand beside it in NAME.test.yaml, or a test file. Its form:

  pipeline: ./btc_momentum.yaml           # the definition; the one of the same name when left out
  set: { bars.every: 1s }                 # params to override
  tests:
    - name: buys when the close crosses the trend
      steps:
        - { at: 0s, trades: { price: 100 } }             # a row of the source "trades"
        - { at: 1.5s, trades: [{ price: 101 }, { price: 102 }], key: binance:BTCUSDT }
        - { advance: 5s }                                # event time moves on without data
        - { gap: trades, reason: disconnected }
        - { late: trades, at: 0.2s, row: { price: 1 } }  # a row that must count as late
        - { crash: after_commit }                        # save, throw the engine away, restore
        - end                                            # the input is finite and this is its end
      expect:
        - { edge: gate.approved, at: 5s, value: { side: buy } }
      expect_late: 1
      expect_none: [gate.refused]

Times count from 2024-01-01 unless they are ISO text; a step without one happens at the time of the step before. What a
row leaves out has its usual value. The messages of an edge that is named under expect are all expected, in order; of
each only the fields that are named are compared: money exactly, other numbers to nine digits.
A crash step restores an engine in memory. Besides, every test runs twice more through an embedded log and a stage in a
temporary directory, dying at every step, before its commit and after it: the committed outputs must be the same.`,
  async run(args, { io, catalogue }) {
    const files: FileResult[] = []
    for (const file of args.positionals) {
      io.progress(file)
      files.push(await runTestFile(file, args, catalogue))
    }
    const tests = files.flatMap(({ file, tests: all }) => all.map((test) => ({ file, ...test })))
    const failed = tests.filter((t) => !t.passed).length
    io.document({ passed: tests.length - failed, failed, tests }, () => files.map(fileText).join('\n'))
    if (failed === 0) return
    io.say(`TEST_FAILED: ${failed} of ${tests.length} tests did not give what they expect`)
    return codes.TEST_FAILED.exit
  },
}

const fileText = ({ file, tests }: FileResult): string =>
  [
    file,
    ...tests.flatMap(({ name, passed, differences }) => [
      `  ${passed ? 'ok  ' : 'FAIL'}  ${name}`,
      ...differences.map(
        ({ where, expected, found }) =>
          `          ${where}\n            expected ${expected}\n            found    ${found}`,
      ),
    ]),
  ].join('\n')
