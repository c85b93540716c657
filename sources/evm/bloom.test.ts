import { expect, test } from 'vitest'
import { mayHold } from './bloom.ts'
import { topics } from './pools.ts'

const address = '0xb4e16d0168e52d35cacd2c6185b44281ec28c9dc'

test('a bloom without the bits of an address and a topic says that there is no such log, a full one never does', () => {
  const may = mayHold({ address: [address], topics: [[topics.v2Swap, topics.v2Sync]] })
  expect(may(`0x${'00'.repeat(256)}`)).toBe(false)
  expect(may(`0x${'ff'.repeat(256)}`)).toBe(true)
  expect(may('0x')).toBe(false)
})
