import { availableParallelism } from 'node:os'

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

/**
 * Clones of the installed database that are at work at once: who races or attacks in one mostly waits, for others and for the disk,
 * so one more than there are cores leaves none idle. Each has up to a dozen connections, and a server may have a hundred.
 */
export function clonesAtOnce(cores = availableParallelism()): number {
  return Math.min(cores + 1, CLONES_MAX)
}

const CLONES_MAX = 4

/** Semaphore: so many at a time, the others wait in the order in which they came. Whoever is let in gets the way out. */
export function semaphore(count: number): () => Promise<() => void> {
  const waiting: (() => void)[] = []
  let free = count
  const leave = () => {
    const next = waiting.shift()
    if (next === undefined) free++
    else next()
  }
  return async () => {
    if (free > 0) free--
    else await new Promise<void>((letIn) => waiting.push(letIn))
    return leave
  }
}
