import { JetStreamApiError } from '@nats-io/jetstream'
import { describe, expect, test } from 'vitest'
import { natsLink } from '../../../test/nats_link.ts'
import { natsServerBinary } from '../../../testing/nats_server.ts'
import type { Link } from './link.ts'
import { patiently } from './patience.ts'

const binary = natsServerBinary()
const said = (err_code: number) => new JetStreamApiError({ code: 503, err_code, description: `error ${err_code}` })

describe.skipIf(binary === undefined)('asking a nats-server (apt-get install nats-server)', () => {
  let link: Link
  natsLink(binary, (opened) => {
    link = opened
  })
  /** Answers after it has said so several times. */
  const after = (code: number, times: number) => {
    let asked = 0
    return async () => {
      if (asked++ < times) throw said(code)
      return asked
    }
  }

  test.each([10008, 10009, 10005])('a cluster without a leader is waited for (%i)', async (code) => {
    expect(await patiently(link, after(code, 3))).toBe(4)
  })
  test('no longer than was asked for', async () => {
    await expect(patiently(link, after(10008, 1000), 300)).rejects.toMatchObject({ code: 'NATS_UNREACHABLE' })
  })
  test('what the server means for good is thrown at once', async () => {
    const question = after(10059, 1)
    await expect(patiently(link, question)).rejects.toMatchObject({ code: 10059 })
    expect(await question()).toBe(2)
  })
})
