import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { Interface, type InterfaceAbi } from 'ethers'
import type { Code } from './evm_chain.ts'

// Our own contracts, compiled when the first of them is asked for: it takes about a second.

const require = createRequire(import.meta.url)
const folder = fileURLToPath(new URL('contracts/', import.meta.url))
/** The compiler's standard JSON, as far as it is read here. */
interface Output {
  readonly errors?: readonly { readonly severity: string; readonly formattedMessage: string }[]
  readonly contracts: Readonly<Record<string, Readonly<Record<string, Compiled>>>>
}
interface Compiled {
  readonly abi: InterfaceAbi
  readonly evm: { readonly bytecode: { readonly object: string } }
}
export type OwnContract = 'CleanToken' | 'TaxedToken' | 'HoneypotToken' | 'SilentToken' | 'FixedPrice'

let compiled: ReadonlyMap<string, Code> | undefined
/** @throws Error with what the compiler says, warnings too */
function compile(): ReadonlyMap<string, Code> {
  const solc = require('solc') as { compile: (input: string) => string }
  const files = readdirSync(folder).filter((file) => file.endsWith('.sol'))
  const input = {
    language: 'Solidity',
    sources: Object.fromEntries(files.map((file) => [file, { content: readFileSync(`${folder}${file}`, 'utf8') }])),
    settings: {
      optimizer: { enabled: true },
      evmVersion: 'paris',
      outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object'] } },
    },
  }
  const { errors = [], contracts } = JSON.parse(solc.compile(JSON.stringify(input))) as Output
  if (errors.length > 0) throw new Error(errors.map((error) => error.formattedMessage).join('\n'))
  const all = Object.values(contracts).flatMap((file) => Object.entries(file))
  return new Map(
    all.map(([name, { abi, evm }]) => [name, { abi: new Interface(abi), bytecode: `0x${evm.bytecode.object}` }]),
  )
}
export function ownContract(name: OwnContract): Code {
  compiled ??= compile()
  return compiled.get(name) as Code
}
