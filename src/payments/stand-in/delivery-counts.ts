/** What became of the copies of events. */
export interface DeliveryCounts {
  /** Copies still to be delivered, those that wait for a retry among them. */
  readonly pending: number
  readonly delivered: number
  /** Attempts that failed; each was tried again unless it was the last. */
  readonly failed_attempts: number
  readonly given_up: number
  /** Events that chaos never sends. */
  readonly lost: number
}

/** Reference counts of copies: knows when the last one of an event has ended, and wakes who waits until none is left. */
export interface CopyCounter {
  /** An event that is sent so many times; not at all: it is lost, and has ended. */
  begin(eventId: string, copies: number): void
  fail(): void
  end(eventId: string, how: 'delivered' | 'given_up'): void
  counts(): DeliveryCounts
  /** True once nothing is left to deliver; false after `ms`. */
  idle(ms: number): Promise<boolean>
  /** Whoever waits is told how it stands. */
  wake(): void
}

/** `onEnd`: every copy of an event was taken, given up or lost. */
export function openCopyCounter(onEnd: (eventId: string) => void): CopyCounter {
  const counts = { pending: 0, delivered: 0, failed_attempts: 0, given_up: 0, lost: 0 }
  const copiesLeft = new Map<string, number>()
  const idlers = new Set<() => void>()
  const wake = () => {
    for (const idler of idlers) idler()
  }
  const endEvent = (eventId: string) => {
    copiesLeft.delete(eventId)
    onEnd(eventId)
    if (counts.pending === 0) wake()
  }
  return {
    begin: (eventId, copies) => {
      if (copies === 0) {
        counts.lost += 1
        return endEvent(eventId)
      }
      counts.pending += copies
      copiesLeft.set(eventId, copies)
    },
    fail: () => {
      counts.failed_attempts += 1
    },
    end: (eventId, how) => {
      counts[how] += 1
      counts.pending -= 1
      const left = (copiesLeft.get(eventId) ?? 1) - 1
      if (left > 0) copiesLeft.set(eventId, left)
      else endEvent(eventId)
    },
    counts: () => ({ ...counts }),
    idle: (ms) => waitFor(idlers, ms, () => counts.pending === 0),
    wake,
  }
}

function waitFor(idlers: Set<() => void>, ms: number, idle: () => boolean): Promise<boolean> {
  if (idle()) return Promise.resolve(true)
  return new Promise((resolve) => {
    const wake = () => {
      clearTimeout(timer)
      idlers.delete(wake)
      resolve(idle())
    }
    const timer = setTimeout(wake, ms)
    idlers.add(wake)
  })
}
