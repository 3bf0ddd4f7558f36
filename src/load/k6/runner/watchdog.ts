import { Session } from 'node:inspector'
import { setInterval } from 'node:timers'
import { isMainThread, Worker, workerData } from 'node:worker_threads'

/**
 * Watchdog: a script that loops without end inside Node leaves its thread no turn in which a timer could end it. A second thread sees
 * that a deadline is past which the first one has not taken back, and has V8 terminate what runs there; then the timers have their turn.
 */
export function startWatchdog(): void {
  if (deadlines !== undefined) return
  deadlines = new Set()
  nearestMs = new BigInt64Array(new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT))
  tell()
  new Worker(import.meta.filename, { workerData: nearestMs }).unref()
}

/** Whatever still runs without a pause then is terminated, if there is a watchdog; what it gives takes that back. */
export function endBy(timeoutMs: number): () => void {
  const deadline = { atMs: Date.now() + timeoutMs }
  deadlines?.add(deadline)
  tell()
  return () => {
    deadlines?.delete(deadline)
    tell()
  }
}

let deadlines: Set<{ readonly atMs: number }> | undefined
/** In milliseconds since 1970; 0 is none. */
let nearestMs: BigInt64Array<ArrayBufferLike> | undefined

const checkEveryMs = 250
/** A thread that is only busy has taken its deadline back by then. */
const graceMs = 2000

function tell(): void {
  if (nearestMs === undefined || deadlines === undefined) return
  const finite = [...deadlines].map(({ atMs }) => atMs).filter(Number.isFinite)
  Atomics.store(nearestMs, 0, finite.length === 0 ? 0n : BigInt(Math.ceil(Math.min(...finite))))
}

function guard(nearest: BigInt64Array): void {
  setInterval(() => {
    const atMs = Number(Atomics.load(nearest, 0))
    if (atMs !== 0 && Date.now() > atMs + graceMs) terminateMain()
  }, checkEveryMs)
}

function terminateMain(): void {
  const session = new Session()
  session.connectToMainThread()
  session.post('Runtime.terminateExecution', () => session.disconnect())
}

if (!isMainThread && workerData instanceof BigInt64Array) guard(workerData)
