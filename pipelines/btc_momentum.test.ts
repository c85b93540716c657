import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { operators } from '../operators/catalogue.ts'
import { plan } from '../runtime/plan.ts'
import { sinks } from '../sinks/catalogue.ts'
import { sources } from '../sources/catalogue.ts'
import drawn from './btc_momentum.ts'

test('the YAML and the TypeScript form are one plan', () => {
  const catalogue = { operators, sources, sinks }
  const written = parse(readFileSync(new URL('btc_momentum.yaml', import.meta.url), 'utf8'))
  expect(plan(drawn, catalogue).hash).toBe(plan(written, catalogue).hash)
})
