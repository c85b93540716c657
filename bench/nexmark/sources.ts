import { z } from 'zod'
import { defineSource } from '../../runtime/define.ts'
import type { Kind } from '../../schemas/kind.ts'
import { Auction, Bid, Person } from './kinds.ts'

const feed = <K extends Kind>(name: string, summary: string, output: K) =>
  defineSource({ name, version: 1, summary, output, params: z.strictObject({}), example: { params: {} } })

export const persons = feed('nexmark_persons', 'Everybody who registers, in order of time.', Person)
export const auctions = feed('nexmark_auctions', 'Every auction that opens, in order of time.', Auction)
export const bids = feed('nexmark_bids', 'Every bid, in order of time.', Bid)
