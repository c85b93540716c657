import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'

const require = createRequire(import.meta.url)
const platforms: Readonly<Record<string, string>> = { linux: 'linux', darwin: 'darwin', win32: 'win32' }
const processors: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' }

/** Where the binary of anvil lies; undefined where its optional package is not installed for this platform. */
export function anvilBinary(): string | undefined {
  const name = `@foundry-rs/anvil-${platforms[process.platform]}-${processors[process.arch]}`
  try {
    const file = process.platform === 'win32' ? 'anvil.exe' : 'anvil'
    return join(dirname(require.resolve(`${name}/package.json`)), 'bin', file)
  } catch {
    return undefined
  }
}

export type Rpc = (method: string, ...params: readonly unknown[]) => Promise<unknown>
export interface Anvil {
  readonly http: string
  readonly ws: string
  readonly chain_id: number
  /** Asks the node itself, past any proxy. */
  readonly rpc: Rpc
  readonly close: () => Promise<void>
}

/** Starts a chain of its own on a free port of this machine. Blocks come with transactions, or when they are asked for. */
export async function startAnvil(more: readonly string[] = []): Promise<Anvil> {
  const binary = anvilBinary()
  if (binary === undefined) throw new Error('anvil is not installed for this platform')
  const chain_id = 31337
  const options = ['--host', '127.0.0.1', '--port', '0', '--chain-id', String(chain_id), ...more]
  const child = spawn(binary, options, { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  const address = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const [, found] = /Listening on (127\.0\.0\.1:\d+)/.exec(line) ?? []
      if (found !== undefined) resolve(found)
    })
    void ended.then(() => reject(new Error('anvil ended before it listened')))
  })
  const http = `http://${address}`
  return {
    http,
    ws: `ws://${address}`,
    chain_id,
    rpc: rpcOf(http),
    close: async () => {
      child.kill('SIGTERM')
      await ended
    },
  }
}

/** @throws Error with what the node says */
export function rpcOf(url: string): Rpc {
  let id = 0
  return async (method, ...params) => {
    const body = JSON.stringify({ jsonrpc: '2.0', id: ++id, method, params })
    const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    const { result, error } = (await response.json()) as { result?: unknown; error?: { code: number; message: string } }
    if (error !== undefined) throw new Error(`${method}: ${error.code} ${error.message}`)
    return result
  }
}
