import { z } from 'zod'
import { kind } from './kind.ts'

const share = (what: string) => z.number().min(0).max(1).describe(what)

const jettonHolders = z.object({
  supply: z.string().describe('all of it, in the smallest unit, decimal'),
  decimals: z.int().nonnegative().describe('decimals of the jetton'),
  mintable: z.boolean().describe('whether its admin may make more'),
  seen: z.int().nonnegative().describe('how many of the largest holders were looked at'),
  holders_more: z.boolean().describe('whether there are holders behind these'),
  top1: share('share of the supply in the largest wallet'),
  top10: share('share of the supply in the ten largest wallets'),
  top_seen: share('share of the supply in all wallets that were looked at'),
  concentration: share('sum of the squared shares of the wallets that were looked at: 1 where one has all'),
  moves: z
    .int()
    .nonnegative()
    .describe('wallets whose balance changed by the declared bound or more since the last look'),
  moved_in: z.number().nonnegative().describe('whole tokens these wallets gained'),
  moved_out: z.number().nonnegative().describe('whole tokens these wallets lost'),
})
export interface JettonHolders extends Readonly<z.output<typeof jettonHolders>> {}
export const JettonHolders = kind('jetton_holders', jettonHolders, {
  summary: 'How a jetton of TON is spread over its largest holders, and what they moved.',
})

const tonNetwork = z.object({
  block: z.int().nonnegative().describe('sequence number of the masterchain block'),
  transactions: z.int().nonnegative().describe('transactions in it and in the blocks of other chains it took in'),
  blocks: z.int().nonnegative().describe('blocks of other chains it took in'),
  block_rate: z.number().nonnegative().describe('masterchain blocks a second since the last look; 0 at the first'),
  transaction_rate: z
    .number()
    .nonnegative()
    .describe('transactions a second: those of this block times the block rate; 0 at the first look'),
  gas_price: z.number().nonnegative().describe('nanotons of one gas on the base chain (configuration 21)'),
  masterchain_gas_price: z.number().nonnegative().describe('nanotons of one gas on the masterchain (configuration 20)'),
})
export interface TonNetwork extends Readonly<z.output<typeof tonNetwork>> {}
export const TonNetwork = kind('ton_network', tonNetwork, { summary: 'How busy TON is, and what gas costs there.' })
