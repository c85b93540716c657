import { type Catalogue, isKind, type Operator } from '../../runtime/define.ts'
import { portsNamed } from '../../runtime/drive.ts'
import { toJson } from '../../runtime/json.ts'
import { gap, quote } from '../../schemas/samples.ts'
import { driven } from './drive_lines.ts'

/** A message of each kind that some worked example reads or answers, as JSON. */
export function kindExamples({ operators, sinks }: Catalogue): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  const keep = (kind: string | undefined, value: unknown) => {
    if (kind !== undefined && !found.has(kind)) found.set(kind, toJson(value))
  }
  const twins = Object.values(sinks).flatMap(({ simulate }) => (simulate === undefined ? [] : [simulate]))
  for (const operator of [...Object.values(operators), ...twins]) {
    const { params, input } = operator.example
    const driver = driven(operator, params, portsNamed(input), ({ port, answer }) =>
      keep(kindOf(operator, port), answer),
    )
    for (const sample of input) {
      keep(sample.kind, sample.value)
      driver.feed(sample)
    }
  }
  for (const { kind, value } of [quote(1, 99.5, 100), gap(1)]) keep(kind, value)
  return found
}
function kindOf({ output }: Operator, port: string | undefined): string | undefined {
  if (isKind(output)) return output.kind
  return port === undefined ? undefined : output[port]?.kind
}
