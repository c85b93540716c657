import { stringify } from 'yaml'

/** A value as one line of YAML. */
export const inline = (value: unknown): string => stringify(value, { collectionStyle: 'flow', lineWidth: 0 }).trimEnd()
/** A value as YAML on one line where that is short, else as a block. */
export function entry(name: string, value: unknown, indent = ''): string {
  const line = `${indent}${name}: ${inline(value)}`
  if (line.length <= 100) return line
  return stringify({ [name]: value }, { lineWidth: 100 })
    .trimEnd()
    .split('\n')
    .map((text) => `${indent}${text}`)
    .join('\n')
}
