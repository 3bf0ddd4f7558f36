import TinyQueue from 'tinyqueue'

/** Virtual clock: the machine's time, and what it was moved on by. Everything that is due later waits here. */
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

/** Priority queue (binary heap) and one timer, however much is waiting. `timeScale` divides Stripe's durations; the clock runs as any. */
export function openClock(timeScale: number): Clock {
  const queue = new TinyQueue<Entry>([], (a, b) => a.due - b.due || a.order - b.order)
  let order = 0
  let offset = 0
  let timer: NodeJS.Timeout | undefined
  let stopped = false
  const now = () => Date.now() + offset
  const wake = () => {
    clearTimeout(timer)
    const first = queue.peek()
    if (first === undefined || stopped) return
    timer = setTimeout(catchUp, Math.min(Math.max(first.due - now(), 0), TIMER_MS_MAX))
    timer.unref()
  }
  const catchUp = () => {
    for (let first = queue.peek(); first && first.due <= now() && !stopped; first = queue.peek()) {
      queue.pop()
      first.task()
    }
    wake()
  }
  return {
    now,
    seconds: () => Math.floor(now() / 1000),
    span: (seconds) => (seconds * 1000) / timeScale,
    at: (due, task) => {
      order += 1
      const entry = { due, order, task }
      queue.push(entry)
      if (queue.peek() === entry) wake()
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
