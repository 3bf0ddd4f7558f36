/** Work queue with bounded concurrency: first in, first out, at most `atOnceMax` in work, any number waiting. */
export interface DeliveryQueue<Item> {
  add(item: Item): void
  /** Starts what there is room for; for when there is a target at last. */
  pump(): void
  /** Starts nothing more, and returns when what is in work has ended. */
  close(): Promise<void>
}

export interface QueueOptions<Item, Target> {
  readonly atOnceMax: number
  /** Where the next item goes; while undefined nothing starts. */
  readonly target: () => Target | undefined
  readonly work: (item: Item, target: Target) => Promise<void>
}

export function openDeliveryQueue<Item, Target>(options: QueueOptions<Item, Target>): DeliveryQueue<Item> {
  const { atOnceMax, target, work } = options
  const waiting = openFifo<Item>()
  const inWork = new Set<Promise<void>>()
  let isClosed = false
  const pump = () => {
    while (waiting.size() > 0 && inWork.size < atOnceMax && !isClosed) {
      const to = target()
      const item = to === undefined ? undefined : waiting.take()
      if (to === undefined || item === undefined) return
      const working = work(item, to).finally(() => {
        inWork.delete(working)
        pump()
      })
      inWork.add(working)
    }
  }
  return {
    add: (item) => {
      waiting.add(item)
      pump()
    },
    pump,
    close: async () => {
      isClosed = true
      await Promise.all(inWork)
    },
  }
}

/** First in, first out, without moving what waits. */
function openFifo<T>() {
  const items = new Map<number, T>()
  let first = 0
  let next = 0
  return {
    size: () => items.size,
    add: (item: T) => {
      items.set(next, item)
      next += 1
    },
    take: () => {
      const item = items.get(first)
      if (items.delete(first)) first += 1
      return item
    },
  }
}
