/** Where the workers start: beside this file, as JavaScript when built, as TypeScript when run from the sources. */
export function workerEntry(): URL {
  const { url } = import.meta
  if (!url.endsWith('.ts')) return new URL('worker.js', url)
  // a loader of TypeScript holds for one thread: the worker registers its own before it imports anything
  const loader = import.meta.resolve('tsx/esm/api')
  const start = `import { register } from '${loader}'; register(); await import('${new URL('worker.ts', url).href}')`
  return new URL(`data:text/javascript,${encodeURIComponent(start)}`)
}
