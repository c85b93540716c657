import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

/** The object a module, of TypeScript too, exports by default; `invalid` says of the file what is wrong with it. */
export async function defaultExport(
  file: string,
  expected: string,
  invalid: (reason: string, cause?: unknown) => Error,
): Promise<object> {
  let module: { readonly default?: unknown }
  try {
    module = await imported(pathToFileURL(resolve(file)).href)
  } catch (error) {
    throw invalid(error instanceof Error ? error.message : String(error), error)
  }
  let exported = module.default
  // where the package is CommonJS, loading puts it one level deeper
  if (typeof exported === 'object' && exported !== null && 'default' in exported) exported = exported.default
  if (typeof exported !== 'object' || exported === null) throw invalid(`expected ${expected} as its default export`)
  return exported
}

async function imported(url: string): Promise<{ readonly default?: unknown }> {
  if (!/\.[cm]?ts$/.test(url)) return import(url) as Promise<{ default?: unknown }>
  const { tsImport } = await import('tsx/esm/api')
  return tsImport(url, import.meta.url) as Promise<{ default?: unknown }>
}
