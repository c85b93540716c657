import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { Contract, FetchRequest, JsonRpcProvider, Wallet } from 'ethers'
import { z } from 'zod'

// What a bot does that was written in an afternoon: asks for the nonce, sends, waits for the receipt, tries again when
// something fails, and writes down what is done.

const Task = z.object({
  folder: z.string(),
  http: z.string(),
  key: z.string(),
  router: z.string(),
  path: z.array(z.string()),
  orders: z.array(z.object({ id: z.string(), paid: z.string() })),
})
const task = Task.parse(JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')))
const file = join(task.folder, 'naive.txt')
const done = new Set(existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [])

const request = new FetchRequest(task.http)
request.timeout = 1000
const provider = new JsonRpcProvider(request, undefined, { cacheTimeout: -1, polling: true })
provider.pollingInterval = 50
const wallet = new Wallet(task.key, provider)
const abi = ['function swapExactTokensForTokens(uint256,uint256,address[],address,uint256)']
const router = new Contract(task.router, abi, wallet)
const token = new Contract(task.path[0] ?? '', ['function approve(address,uint256)'], wallet)

async function until<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work()
    } catch {
      await setTimeout(20)
    }
  }
}
interface Pending {
  wait(confirmations: number, timeout: number): Promise<unknown>
}
const send = (contract: Contract, method: string, ...values: readonly unknown[]) =>
  until(async () => {
    const sent = (await contract.getFunction(method)(...values)) as Pending
    return sent.wait(1, 2000)
  })

if (!done.has('approved')) {
  await send(token, 'approve', task.router, 2n ** 255n)
  appendFileSync(file, 'approved\n')
}
for (const { id, paid } of task.orders) {
  if (done.has(id)) continue
  await send(router, 'swapExactTokensForTokens', BigInt(paid), 0, task.path, wallet.address, 2n ** 48n)
  appendFileSync(file, `${id}\n`)
  process.send?.({ answers: 1 })
}
provider.destroy()
process.send?.({ done: true })
process.disconnect?.()
