import { parse } from 'yaml'
import { check, type ProblemCode, problems } from '../../runtime/check.ts'
import type { Catalogue } from '../../runtime/define.ts'
import { codes, type ErrorCode } from '../../schemas/errors.ts'
import { type RefusalCode, refusals } from '../../schemas/orders.ts'
import { fence, page, table } from './markdown.ts'
import { blend, problemExamples } from './problem_examples.ts'

export const exits: Readonly<Record<number, string>> = {
  0: 'done',
  1: 'the job failed',
  2: 'wrong usage',
  3: 'definition or configuration invalid',
  4: 'a needed part is missing or unreachable',
  5: 'refused for safety: consent, parity, risk',
}

export function errorPage(name: ErrorCode): string {
  const { summary, fix, exit } = codes[name]
  return page(
    `# ${name}`,
    summary,
    '## What to do',
    fix,
    '## On the command line',
    `Exit code ${exit}: ${exits[exit]}. The words come on stderr; with \`--json\` the document on stdout is \`{"error": {"code": "${name}", "message", "fix", ...}}\`. In code it is a \`TidegateError\` whose \`code\` is \`'${name}'\`, with facts in \`info\`.`,
  )
}

/** The page of a problem `check` finds, with a definition that has it and what is said of it. */
export function problemPage(name: ProblemCode, catalogue: Catalogue): string {
  const example = problemExamples[name]
  const found = problemsOf(name, catalogue)
  return page(
    `# ${name}`,
    problems[name],
    'A problem of a definition. `tidegate check FILE` lists all of them at once with their paths; the verbs that run a definition stop with [DEFINITION_INVALID](DEFINITION_INVALID.md), exit code 3.',
    '## Example',
    example.includes('blend')
      ? 'Here `blend` stands for an operator of your own that reads two numbers, on the ports `fast` and `slow`.'
      : '',
    fence('yaml', example),
    fence('text', found.map(({ code, path, message }) => `${code}  ${path}: ${message}`).join('\n')),
  )
}
/** What `check` finds in the example of a problem. */
export const problemsOf = (name: ProblemCode, catalogue: Catalogue) =>
  check(parse(problemExamples[name]), { ...catalogue, operators: { ...catalogue.operators, blend: blend.definition } })
    .problems

/** The page of a reason for which a risk gate refuses an order. */
export const refusalPage = (name: RefusalCode): string =>
  page(
    `# ${name}`,
    refusals[name],
    'A refused order is no error: it is a message of the kind `refused_order` on the port of that name of the [risk_gate](../operators/risk_gate.md), with `found` and `allowed`, committed and replayed like every other. Reports count it by its code.',
  )

export const errorsIndex = (): string =>
  page(
    '# Error codes',
    'Every expected failure has a stable code: scripts may rely on it, not on the words. `tidegate help CODE` tells the same.',
    table(
      ['code', 'exit', 'meaning'],
      Object.entries(codes).map(([name, { exit, summary }]) => [`[${name}](${name}.md)`, String(exit), summary]),
    ),
    '## Problems of a definition',
    table(
      ['code', 'meaning'],
      Object.entries(problems).map(([name, summary]) => [`[${name}](${name}.md)`, summary]),
    ),
    '## Refused orders',
    table(
      ['code', 'meaning'],
      Object.entries(refusals).map(([name, summary]) => [`[${name}](${name}.md)`, summary]),
    ),
  )
