/** The stand-in's own time: the machine's, and what it was moved on by. Everything that is due later waits here. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number
  /** Whole seconds, as Stripe writes times. */
  seconds(): number
  /** A duration of Stripe's in milliseconds of this clock. */
  span(seconds: number): number
  /** Runs `task` once, at `due` or soon after; in order of `due`. */
  at(due: number, task: () => void): void
  /** Runs what is due by now. */
  catchUp(): void
  /** Milliseconds ahead of the machine's time. */
  readonly offset: number
  /** Puts it so many milliseconds ahead of the machine's time, and runs what is due then. */
  set(offset: number): void
  stop(): void
}

/** One queue and one timer, however much is waiting. `timeScale` divides Stripe's durations; the clock runs as any. */
export function openClock(timeScale: number): Clock {
  const queue = openQueue()
  let offset = 0
  let timer: NodeJS.Timeout | undefined
  let stopped = false
  const now = () => Date.now() + offset
  const wake = () => {
    clearTimeout(timer)
    const due = queue.firstDue()
    if (due === undefined || stopped) return
    timer = setTimeout(catchUp, Math.min(Math.max(due - now(), 0), TIMER_MS_MAX))
    timer.unref()
  }
  const catchUp = () => {
    for (let task = queue.take(now()); task !== undefined && !stopped; task = queue.take(now())) task()
    wake()
  }
  return {
    now,
    seconds: () => Math.floor(now() / 1000),
    span: (seconds) => (seconds * 1000) / timeScale,
    at: (due, task) => {
      if (queue.add(due, task)) wake()
    },
    catchUp,
    get offset() {
      return offset
    },
    set: (ahead) => {
      offset = ahead
      catchUp()
    },
    stop: () => {
      stopped = true
      clearTimeout(timer)
    },
  }
}

/** The longest that a timer of the platform can wait; a later task waits for several in a row. */
const TIMER_MS_MAX = 2 ** 31 - 1

interface Entry {
  readonly due: number
  /** Breaks ties: what was added first runs first. */
  readonly order: number
  readonly task: () => void
}

/** A binary heap by `due`. */
function openQueue() {
  const heap: Entry[] = []
  let order = 0
  const before = (a: number, b: number) => {
    const [first, second] = [heap[a], heap[b]]
    if (first === undefined || second === undefined) return second === undefined
    return first.due < second.due || (first.due === second.due && first.order < second.order)
  }
  const swap = (a: number, b: number) => {
    const [first, second] = [heap[a], heap[b]]
    if (first === undefined || second === undefined) return
    heap[a] = second
    heap[b] = first
  }
  const rise = (from: number) => {
    for (let at = from, up = (at - 1) >> 1; at > 0 && before(at, up); at = up, up = (at - 1) >> 1)
      swap(at, up)
  }
  const sink = () => {
    for (let at = 0; ; ) {
      const [left, right] = [2 * at + 1, 2 * at + 2]
      const least = right < heap.length && before(right, left) ? right : left
      if (least >= heap.length || before(at, least)) return
      swap(at, least)
      at = least
    }
  }
  return {
    firstDue: () => heap[0]?.due,
    /** True when it is the first now. */
    add: (due: number, task: () => void): boolean => {
      order += 1
      heap.push({ due, order, task })
      rise(heap.length - 1)
      return heap[0]?.order === order
    },
    take: (now: number): (() => void) | undefined => {
      const [first] = heap
      if (first === undefined || first.due > now) return undefined
      swap(0, heap.length - 1)
      heap.pop()
      sink()
      return first.task
    },
  }
}
