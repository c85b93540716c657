import { z } from 'zod'
import { RpcFailure } from '../../runtime/define.ts'
import { resultOf } from './chain.ts'
import { type Address, Bytes, type Hex, LoggedEvent, Quantity, toQuantity } from './hex.ts'
import type { Nodes } from './nodes.ts'
import { type Call, type Log, Reverted } from './venues/venue.ts'

export type Simulated =
  | { readonly status: 'ok'; readonly gas: bigint; readonly logs: readonly Log[] }
  | { readonly status: 'reverted'; readonly reason: string; readonly data: Hex }

// execution-apis, eth_simulateV1 (2026-11)
const Blocks = z
  .array(
    z.object({
      calls: z.array(
        z.object({
          status: Quantity,
          gasUsed: Quantity,
          returnData: Bytes.default('0x'),
          logs: z.array(LoggedEvent).default([]),
          error: z.object({ message: z.string().optional(), data: Bytes.optional() }).optional(),
        }),
      ),
    }),
  )
  .length(1)

const transactionOf = (from: Address, { to, data, value }: Call) => ({ from, to, data, value: toQuantity(value) })
/** `method not found` of JSON-RPC, and what nodes say that have no such method or do not give it to everybody. */
const isAbsent = (error: unknown): boolean =>
  error instanceof RpcFailure &&
  error.reason === 'refused' &&
  (error.code === -32601 ||
    error.code === -32004 ||
    /not (?:found|supported|available|exist)|unsupported/i.test(error.message))

/**
 * What calls of an account would do on top of the newest block, one after the other, by `eth_simulateV1`; undefined from
 * a node that has no such method. @throws RpcFailure
 */
export async function simulateAll(
  nodes: Nodes,
  from: Address,
  calls: readonly Call[],
): Promise<readonly Simulated[] | undefined> {
  try {
    const block = { calls: calls.map((call) => transactionOf(from, call)) }
    const answer = await nodes.read('eth_simulateV1', [{ blockStateCalls: [block], traceTransfers: false }, 'latest'])
    const parsed = Blocks.safeParse(resultOf(answer))
    if (!parsed.success) throw new RpcFailure('malformed', `eth_simulateV1: ${parsed.error.issues[0]?.message ?? ''}`)
    return parsed.data.flatMap((of) =>
      of.calls.map(({ status, gasUsed, returnData, logs, error }) =>
        status === 1n
          ? { status: 'ok', gas: gasUsed, logs }
          : { status: 'reverted', reason: reasonOf(error?.message, returnData), data: error?.data ?? returnData },
      ),
    )
  } catch (error) {
    if (error instanceof Reverted)
      return calls.map(() => ({ status: 'reverted', reason: error.message, data: error.data }))
    if (isAbsent(error)) return undefined
    throw error
  }
}

/** One call; where a node cannot simulate, it is estimated. @throws RpcFailure */
export async function simulate(nodes: Nodes, from: Address, call: Call): Promise<Simulated> {
  const [simulated] = (await simulateAll(nodes, from, [call])) ?? []
  if (simulated !== undefined) return simulated
  try {
    const answer = resultOf(await nodes.read('eth_estimateGas', [transactionOf(from, call), 'latest']))
    const gas = Quantity.safeParse(answer)
    if (!gas.success) throw new RpcFailure('malformed', 'eth_estimateGas: no such answer')
    return { status: 'ok', gas: gas.data, logs: [] }
  } catch (error) {
    if (error instanceof Reverted) return { status: 'reverted', reason: error.message, data: error.data }
    throw error
  }
}

/** `Error(string)` of Solidity. */
const ERROR = '0x08c379a0'
function reasonOf(message: string | undefined, data: Hex): string {
  if (!data.startsWith(ERROR)) return message ?? 'reverted'
  const length = Number(`0x${data.slice(74, 138)}`)
  const text = Buffer.from(data.slice(138, 138 + 2 * length), 'hex').toString('utf8')
  return text === '' ? (message ?? 'reverted') : text
}
