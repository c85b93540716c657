import { z } from 'zod'
import type { SourceItem } from '../../runtime/connect.ts'
import { nearest } from '../../runtime/nearest.ts'
import type { Plan } from '../../runtime/plan.ts'
import { Gap } from '../../schemas/market.ts'
import { formatTime, parseTime } from '../../schemas/units.ts'
import { relative } from '../describe/drive_lines.ts'
import { messageOf } from '../describe/message.ts'

// The form of a test file: what a person writes, and the items it stands for.

const fields = z.record(z.string(), z.unknown())
const Expected = z.strictObject({
  edge: z.string(),
  at: z.union([z.string(), z.number()]).optional(),
  key: z.string().optional(),
  value: z.unknown().optional(),
})
const Test = z.strictObject({
  name: z.string().min(1),
  steps: z.array(z.union([z.enum(['end', 'crash']), fields])).min(1),
  expect: z.array(Expected).default([]),
  expect_late: z.int().nonnegative().optional(),
  expect_none: z.array(z.string()).default([]),
})
export const TestFile = z.strictObject({
  pipeline: z.string().optional().describe('the definition, from the place of the test file'),
  summary: z.string().optional(),
  set: z
    .record(z.string().regex(/^[^.]+\../, 'expected node.param'), z.unknown())
    .default({})
    .describe('params to override'),
  tests: z.array(Test).min(1, 'expected at least one test'),
})
export type TestFile = z.output<typeof TestFile>
export type WrittenTest = TestFile['tests'][number]

/** What one step puts into the pipeline: items of some sources, or a crash. */
export interface Step {
  /** As a person finds it: `step 3`. */
  readonly where: string
  readonly items: readonly { readonly source: number; readonly items: readonly SourceItem[] }[]
  readonly late: number
  readonly crash: boolean
}
export interface Expectation {
  readonly edge: string
  readonly at: number | undefined
  readonly key: string | undefined
  readonly value: unknown
}
export interface PipelineTest {
  readonly name: string
  readonly steps: readonly Step[]
  readonly expect: readonly Expectation[]
  readonly expect_late: number | undefined
  readonly expect_none: readonly string[]
}
export interface TestProblem {
  readonly path: string
  readonly message: string
}
type Report = (path: string, message: string) => void

const usualKey = 'binance:BTCUSDT'
const words = ['at', 'key', 'advance', 'gap', 'reason', 'missing', 'late', 'row', 'crash', 'end']

/** Turns what was written into steps of a plan; what cannot be turned is a problem with its path. */
export function compileTest(
  written: WrittenTest,
  path: string,
  plan: Plan,
): { readonly test: PipelineTest; readonly problems: readonly TestProblem[] } {
  const problems: TestProblem[] = []
  const report: Report = (at, message) => problems.push({ path: at, message })
  const steps = new Steps(plan, report)
  const edges = plan.edges.map((e) => e.name)
  const known = (edge: string, at: string) => {
    const near = nearest(edge, edges)
    if (!edges.includes(edge))
      report(at, `no edge "${edge}"${near ? `; did you mean "${near}"?` : `; there are ${edges.join(', ')}`}`)
  }
  const compiled = written.steps.map((step, i) => steps.read(step, `${path}.steps.${i}`, `step ${i + 1}`))
  const expect = written.expect.map(({ edge, at, key, value }, i): Expectation => {
    known(edge, `${path}.expect.${i}.edge`)
    return { edge, at: at === undefined ? undefined : steps.time(at, `${path}.expect.${i}.at`), key, value }
  })
  for (const [i, edge] of written.expect_none.entries()) known(edge, `${path}.expect_none.${i}`)
  if (expect.length === 0 && written.expect_none.length === 0 && written.expect_late === undefined)
    report(path, `"${written.name}" expects nothing; give expect, expect_none or expect_late`)
  return {
    test: {
      name: written.name,
      steps: compiled,
      expect,
      expect_late: written.expect_late,
      expect_none: written.expect_none,
    },
    problems,
  }
}

class Steps {
  private readonly plan: Plan
  private readonly report: Report
  private now = relative('0s') as number

  constructor(plan: Plan, report: Report) {
    this.plan = plan
    this.report = report
  }

  /** Times count from 2024-01-01; ISO text and whole microseconds stand for themselves. */
  time(given: unknown, path: string): number {
    const parsed =
      typeof given === 'number' ? given : typeof given === 'string' ? (relative(given) ?? parseTime(given)) : undefined
    if (parsed !== undefined && Number.isSafeInteger(parsed) && parsed >= 0) return parsed
    this.report(path, `expected a time such as 1.5s or 2024-01-01T00:00:01Z, found ${JSON.stringify(given)}`)
    return this.now
  }

  read(written: WrittenTest['steps'][number], path: string, where: string): Step {
    const none: Step = { where, items: [], late: 0, crash: false }
    if (written === 'crash') return { ...none, crash: true }
    if (written === 'end') return { ...none, items: this.everySource({ type: 'end', at: this.now }) }
    const { at, key = usualKey, ...rest } = written
    if (typeof key !== 'string')
      this.report(`${path}.key`, `expected an instrument such as ${usualKey}, found ${JSON.stringify(key)}`)
    const time = at === undefined ? this.now : this.time(at, `${path}.at`)
    const step = this.act(rest, path, time, String(key), none)
    if (step.late === 0) this.now = Math.max(this.now, time)
    return step
  }

  private act(rest: Readonly<Record<string, unknown>>, path: string, at: number, key: string, none: Step): Step {
    if ('crash' in rest) {
      if (rest['crash'] !== 'after_commit' && rest['crash'] !== true)
        this.report(`${path}.crash`, `expected after_commit, found ${JSON.stringify(rest['crash'])}`)
      return { ...none, crash: true }
    }
    if ('end' in rest) return { ...none, items: this.everySource({ type: 'end', at }) }
    if ('advance' in rest) {
      const to = this.time(rest['advance'], `${path}.advance`)
      if (to < this.now)
        this.report(
          `${path}.advance`,
          `expected a time from ${formatTime(this.now)} on, for times count from the base; found ${formatTime(to)}`,
        )
      this.now = Math.max(this.now, to)
      return { ...none, items: this.everySource({ type: 'heartbeat', at: this.now, key: '*' }) }
    }
    if ('gap' in rest) {
      const source = this.source(rest['gap'], `${path}.gap`)
      const { gap: _, ...given } = rest
      const read = messageOf(Gap, given, at)
      if ('problem' in read) this.report(path, read.problem)
      else return { ...none, items: [{ source, items: [{ type: 'gap', at, key, value: read.value as Gap }] }] }
      return none
    }
    if ('late' in rest) {
      const source = this.source(rest['late'], `${path}.late`)
      return {
        ...none,
        items: [{ source, items: this.rows(source, rest['row'], `${path}.row`, at, key) }],
        late: Array.isArray(rest['row']) ? rest['row'].length : 1,
      }
    }
    const names = Object.keys(rest)
    if (names.length === 0)
      this.report(path, `expected a source (${this.sources().join(', ')}), advance, gap, late, crash or end`)
    const items = names.map((name) => {
      const source = this.source(name, `${path}.${name}`)
      return { source, items: this.rows(source, rest[name], `${path}.${name}`, at, key) }
    })
    return { ...none, items }
  }

  private rows(source: number, given: unknown, path: string, at: number, key: string): readonly SourceItem[] {
    const kind = this.plan.sources[source]?.component.output
    if (kind === undefined) return []
    return (Array.isArray(given) ? given : [given]).flatMap((row, i): SourceItem[] => {
      const read = messageOf(kind, row, at)
      if ('value' in read) return [{ type: 'row', at, key, value: read.value }]
      this.report(Array.isArray(given) ? `${path}.${i}` : path, read.problem)
      return []
    })
  }
  private everySource(item: SourceItem): Step['items'] {
    return this.plan.sources.map((_, source) => ({ source, items: [item] }))
  }
  private sources(): readonly string[] {
    return this.plan.sources.map((s) => s.id)
  }
  private source(name: unknown, path: string): number {
    const place = this.sources().indexOf(String(name))
    if (place >= 0) return place
    const near = nearest(String(name), [...this.sources(), ...words])
    this.report(
      path,
      `no source ${JSON.stringify(name)}${near ? `; did you mean "${near}"?` : `; there are ${this.sources().join(', ')}`}`,
    )
    return -1
  }
}
