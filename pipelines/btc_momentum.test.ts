import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { captured } from '../cli/describe/captured.ts'
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

test('its test file passes', async () => {
  const { code, stdout } = await captured(['test', fileURLToPath(new URL('btc_momentum.yaml', import.meta.url))])
  expect(code, stdout).toBe(0)
})
