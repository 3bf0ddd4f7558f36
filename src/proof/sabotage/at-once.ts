/**
 * Worker pool: `count` workers take the items in order, each the next one when it is done; results come in the items' order.
 * Rejects with the first error when every worker has ended: none is at work any more, and no item was begun after it.
 */
export async function atOnce<Item, Result>(
  count: number,
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = []
  const waiting = items.entries()
  let failed = false
  const take = async () => {
    for (const [index, item] of waiting) {
      if (failed) return
      try {
        results[index] = await work(item)
      } catch (error) {
        failed = true
        throw error
      }
    }
  }
  const ended = await Promise.allSettled(Array.from({ length: count }, take))
  for (const worker of ended) if (worker.status === 'rejected') throw worker.reason
  return results
}
