export const KEY = 'bench:BTCUSDT'
export const tickOf = (n: number) => ({ price: 60_000 + (n % 100), size: 1, side: 0, id: n })
