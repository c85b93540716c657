/** The symbol in a name such as BTCUSDT-trades-2024-01-01.csv. */
export const symbolOfFile = (file: string, kind: string): string | undefined =>
  new RegExp(`(?:^|/)([A-Z0-9_]+)-${kind}-`).exec(file)?.[1]
