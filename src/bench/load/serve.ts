import process from 'node:process'
import type { Load } from './orders.ts'

/** The child's side of a load process: one order at a time, and it goes when its parent does. */
export function serveLoad<Order>(run: (order: Order) => Promise<Load>): void {
  process.on('disconnect', () => process.exit())
  process.on('message', (order) => {
    void run(order as Order)
      .catch((error: unknown) => ({ error: error instanceof Error ? error.message : String(error) }))
      .then((said) => process.send?.(said))
  })
}

export interface Tally {
  /** A success. */
  add(startedMs: number, nowMs: number): void
  load(): Load
}

/** Counts successes from now until `endMs`, and those that come later apart; how long they took, of all: the late ones are the slow ones. */
export function openTally(endMs: number): Tally {
  const took: number[] = []
  const cpu = process.cpuUsage()
  let inTime = 0
  return {
    add: (startedMs, nowMs) => {
      took.push(nowMs - startedMs)
      if (nowMs < endMs) inTime++
    },
    load: () => {
      const { user, system } = process.cpuUsage(cpu)
      const sorted = Float64Array.from(took).sort()
      const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0
      const cpuSeconds = (user + system) / 1e6
      return { answered: took.length, inTime, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1), cpuSeconds }
    },
  }
}

/** Whether there was something to ask for. A failure ends the window. */
type Ask = (caller: number) => Promise<boolean>

/** `count` callers, each of which asks again when it was answered, until `endMs` or until there is nothing to ask for. */
export async function inClosedLoop(count: number, endMs: number, ask: Ask, tally: Tally): Promise<void> {
  const caller = async (_: unknown, at: number) => {
    for (let startedMs = performance.now(); startedMs < endMs; ) {
      if (!(await ask(at))) return
      const nowMs = performance.now()
      tally.add(startedMs, nowMs)
      startedMs = nowMs
    }
  }
  await Promise.all(Array.from({ length: count }, caller))
}

/** `rate` requests a second by `count` callers in turn; each is late from when it was due, not from when its caller was free. */
export async function inOpenLoop(
  { count, rate, startMs, endMs }: { count: number; rate: number; startMs: number; endMs: number },
  ask: Ask,
  tally: Tally,
): Promise<void> {
  const caller = async (_: unknown, at: number) => {
    for (let n = at; ; n += count) {
      const dueMs = startMs + (n * 1000) / rate
      if (dueMs >= endMs) return
      const waitMs = dueMs - performance.now()
      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs))
      if (!(await ask(at))) return
      tally.add(dueMs, performance.now())
    }
  }
  await Promise.all(Array.from({ length: count }, caller))
}
