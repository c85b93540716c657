import { existsSync, readFileSync } from 'node:fs'
import { basename, dirname, extname, join, resolve } from 'node:path'
import { parseDocument } from 'yaml'
import { z } from 'zod'
import type { Catalogue } from '../../runtime/define.ts'
import { type Plan, plan } from '../../runtime/plan.ts'
import { isTidegateError, TidegateError } from '../../schemas/errors.ts'
import { folderOf, loadDefinition } from '../definition.ts'
import type { Args } from '../verb.ts'
import { crashDifference, type Difference, differences } from './compare.ts'
import { compileTest, type PipelineTest, TestFile, type TestProblem } from './form.ts'
import { runDying, runSteps } from './run_steps.ts'

export interface TestResult {
  readonly name: string
  readonly passed: boolean
  readonly differences: readonly Difference[]
}
export interface FileResult {
  readonly file: string
  readonly pipeline: string
  readonly tests: readonly TestResult[]
}

const isTestFile = (file: string): boolean => /\.test\.ya?ml$/.test(file)
/** `pipelines/x.ts` is tested by `pipelines/x.test.yaml`. */
export const testFileOf = (definition: string): string =>
  join(dirname(definition), `${basename(definition, extname(definition))}.test.yaml`)

/** Runs the tests that belong to a definition, or those of a test file. @throws FILE_ABSENT, DEFINITION_INVALID */
export async function runTestFile(
  file: string,
  args: Args,
  catalogue: (near: string) => Promise<Catalogue>,
): Promise<FileResult> {
  const testFile = isTestFile(file) ? file : testFileOf(file)
  if (!existsSync(file)) throw new TidegateError('FILE_ABSENT', `no file at ${file}`, { file })
  if (!existsSync(testFile))
    throw new TidegateError('FILE_ABSENT', `no tests at ${testFile}, where those of ${file} are looked for`, {
      file: testFile,
    })
  const written = readTests(testFile)
  const definition = isTestFile(file) ? definitionOf(testFile, written) : file
  const overrides = Object.entries(written.set).map(([place, value]) => `${place}=${JSON.stringify(value)}`)
  const raw = await loadDefinition(definition, {
    ...args,
    values: { ...args.values, set: [...overrides, ...(args.values['set'] ?? [])] },
  })
  const planned = plan(raw, await catalogue(folderOf(definition)))
  const compiled = written.tests.map((test, i) => compileTest(test, `tests.${i}`, planned))
  refuse(
    testFile,
    compiled.flatMap((c) => c.problems),
  )
  const tests: TestResult[] = []
  for (const { test } of compiled) tests.push(await runTest(planned, test))
  return { file: testFile, pipeline: planned.pipeline, tests }
}

function readTests(file: string): TestFile {
  const document = parseDocument(readFileSync(file, 'utf8'))
  const [broken] = document.errors
  if (broken !== undefined) throw new TidegateError('DEFINITION_UNREADABLE', `${file}: ${broken.message}`, { file })
  const parsed = z.safeParse(TestFile, document.toJS())
  if (!parsed.success)
    refuse(
      file,
      parsed.error.issues.map((issue) => ({ path: issue.path.join('.') || '(top)', message: issue.message })),
    )
  return parsed.data as TestFile
}
function refuse(file: string, problems: readonly TestProblem[]): void {
  if (problems.length === 0) return
  const lines = problems.map(({ path, message }) => `${path}: ${message}`)
  throw new TidegateError(
    'DEFINITION_INVALID',
    `${file} has ${problems.length} problem${problems.length === 1 ? '' : 's'}\n${lines.join('\n')}`,
    { file, problems },
  )
}
function definitionOf(testFile: string, { pipeline }: TestFile): string {
  if (pipeline !== undefined) return resolve(dirname(testFile), pipeline)
  const stem = testFile.replace(/\.test\.ya?ml$/, '')
  const found = ['.yaml', '.yml', '.json', '.ts'].map((end) => `${stem}${end}`).find(existsSync)
  if (found === undefined)
    throw new TidegateError('FILE_ABSENT', `${testFile}: no definition beside it; name one as \`pipeline: ./FILE\``, {
      file: testFile,
    })
  return found
}

/** A test passes when its outputs are the expected ones, and are the same when every step crashes. */
async function runTest(planned: Plan, test: PipelineTest): Promise<TestResult> {
  const found: Difference[] = []
  try {
    const ran = runSteps(planned, test)
    found.push(...differences(test, ran))
    for (const death of ['before_commit', 'after_commit'] as const) {
      const crashed = crashDifference(ran.outputs, await runDying(planned, test, death), death.replace('_', ' its '))
      if (crashed !== undefined) found.push(crashed)
    }
  } catch (error) {
    if (!isTidegateError(error)) throw error
    found.push({ where: 'run', expected: 'no failure', found: `${error.code}: ${error.message}` })
  }
  return { name: test.name, passed: found.length === 0, differences: found }
}
