import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { captured } from '../cli/describe/captured.ts'

test('its test file passes', async () => {
  const { code, stdout } = await captured(['test', fileURLToPath(new URL('dex_momentum.yaml', import.meta.url))])
  expect(code, stdout).toBe(0)
})
