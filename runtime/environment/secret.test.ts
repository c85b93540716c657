import { afterEach, expect, test, vi } from 'vitest'
import { secretOf } from './secret.ts'

afterEach(() => vi.unstubAllEnvs())

test('a definition may name variables of its own kind, and no others', () => {
  vi.stubEnv('TIDEGATE_TONCENTER_KEY', 'the key')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'not for it')
  expect(secretOf('TIDEGATE_TONCENTER_KEY')).toBe('the key')
  expect(secretOf('TIDEGATE_OTHER')).toBeUndefined()
  expect(secretOf('AWS_SECRET_ACCESS_KEY')).toBeUndefined()
})
