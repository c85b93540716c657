/**
 * What comes in batches, one by one, until the signal aborts. No generator: each of its values costs three turns of the
 * queue, this costs one. Like a generator in a loop it is asked for one at a time.
 */
export function oneByOne<T>(batches: AsyncGenerator<readonly T[]>, signal?: AbortSignal): AsyncIterableIterator<T> {
  let batch: readonly T[] = []
  let next = 0
  const end = async (): Promise<IteratorResult<T>> => {
    await batches.return(undefined)
    return { done: true, value: undefined }
  }
  const more = async (): Promise<IteratorResult<T>> => {
    do {
      const { done, value } = await batches.next()
      if (done) return { done: true, value: undefined }
      batch = value
    } while (batch.length === 0)
    if (signal?.aborted) return end()
    next = 1
    return { done: false, value: batch[0] as T }
  }
  return {
    next() {
      if (signal?.aborted) return end()
      return next < batch.length ? Promise.resolve({ done: false, value: batch[next++] as T }) : more()
    },
    return: end,
    [Symbol.asyncIterator]() {
      return this
    },
  }
}
