import type { OrderStep } from '../../schemas/orders.ts'
import { DrivenExecutor } from './drive_executor.ts'
import { startGround } from './ground.ts'

// The life of an order through a speed-up and a reorganisation, on anvil behind a node like Geth: `npm run order:life`.

const ground = await startGround()
const driven = new DrivenExecutor(ground, { params: { confirmations: 3, stuck_after: 2 } })
await driven.open()
const first = await driven.order(0)
await driven.stepped(first, 'settled')

const rows: string[] = []
let told = driven.answers.length
const say = (what: string) => {
  for (const { port, value } of driven.answers.slice(told)) {
    if (port !== 'step') continue
    const { step, attempt, nonce, block, transaction, code, detail } = value as OrderStep
    const of = [
      attempt || '',
      nonce < 0 ? '' : nonce,
      block || '',
      transaction.slice(0, 10),
      code,
      detail.replace(/^[\d.:]+: /, ''),
    ]
    rows.push(`| | ${step} | ${of.join(' | ')} |`)
  }
  told = driven.answers.length
  if (what !== '') rows.push(`| *${what}* | | | | | | | |`)
}
const order = await driven.order(1)
await driven.stepped(order, 'seen', { blocks: 0 })
say('the base fee rises above what the order offers: it is stuck')
await ground.anvil.rpc('anvil_setNextBlockBaseFeePerGas', '0x60000000')
await driven.stepped(order, 'included')
say('a block on top, then both are thrown out of the chain; no node keeps the transaction')
await ground.proxy.mine(1)
await ground.proxy.reorg(3, { returns: false })
await driven.stepped(order, 'reorged', { blocks: 0 })
await driven.stepped(order, 'settled')
say('')
const swaps = await ground.swaps()
await driven.close()
await ground.close()
process.stdout.write(
  `| what happens | step | attempt | nonce | block | transaction | code | detail |\n|---|---|---|---|---|---|---|---|\n${rows.join('\n')}\n\nSwaps of both orders on the chain: ${swaps.length}.\n`,
)
