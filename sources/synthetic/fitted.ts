import type { OrderFlow } from './order_flow.ts'

/**
 * Fitted by bench/calibrate.ts on BTCUSDT trades of Binance spot: 9,757 of 2024-08-08 23:54 to 24:00 and 10,215 of
 * 2026-02-16 04:00 to 04:05. docs/synthetic_market.md shows how well. Run the program again before changing a number.
 */
export const fitted: OrderFlow = {
  arrivals: {
    base: 3.979,
    children: 0.2782,
    children_of_many: 0.757,
    decay: 70.04,
  },
  trades: {
    single: 0.767,
    single_after_many: 0.4945,
    log_mean: 1.18,
    log_std: 1.51,
    memory: 0.08819,
  },
  side: {
    repeat: 0.1141,
    mood_std: 0.5167,
    mood_keep: 0.9801,
  },
  walk: {
    step: 0.2616,
    one_tick: 0.1872,
    log_mean: -12.76,
    log_std: 1.28,
    refill: 0,
  },
  revision: {
    chance: 0.0984,
    one_tick: 0.1789,
    log_mean: -11.3,
    log_std: 1.421,
    scale: 0.6499,
  },
  size: {
    lots: [
      [8, 0.2264],
      [9, 0.207],
      [40, 0.0349],
      [15, 0.03004],
      [10, 0.02794],
    ],
    small: 0.4957,
    small_log_mean: 3.56,
    small_log_std: 1.252,
    large_log_mean: 7.582,
    large_log_std: 1.412,
    largest: 263300,
  },
}
