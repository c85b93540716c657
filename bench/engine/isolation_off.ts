/**
 * Programs that are written from here on let errors of nodes through, so that the price of keeping them apart can be
 * seen. Gives how many places have changed.
 */
export function isolationOff(): () => number {
  let places = 0
  const strip = (body: string): string =>
    body.replace(/^ *try \{\n((?:.*\n)*?) *\} catch \(e\) \{\n.*\n *\}$/gm, (_, run: string) => {
      places++
      return run
    })
  globalThis.Function = new Proxy(Function, {
    construct: (target, args: readonly string[]) =>
      Reflect.construct(target, [...args.slice(0, -1), strip(args.at(-1) ?? '')]) as object,
  })
  return () => places
}
