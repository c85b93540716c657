/** Statuses of HTTP that say nothing of the question: too many of them, or a server in trouble. */
export const isBusy = (status: number): boolean => status === 429 || status === 418 || status >= 500

/** µs that `Retry-After` asks to wait, 0 where it does not say, a minute at most. */
export const waitOf = (retryAfter: string | null | undefined): number => Math.min(60e6, (Number(retryAfter) || 0) * 1e6)
