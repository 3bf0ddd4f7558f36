/** Does some work until it ends, its time is over, or the caller gives up; the work's own signal is aborted then. Rejects with the reason. */
export function within<Value>(
  ms: number,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<Value>,
): Promise<Value> {
  const controller = new AbortController()
  return new Promise<Value>((resolve, reject) => {
    const stop = (reason: unknown) => {
      end()
      reject(reason)
      controller.abort(reason)
    }
    const giveUp = () => stop(signal?.reason)
    const timer = setTimeout(() => stop(new TimeIsUp(`No answer came within ${ms} ms.`)), ms)
    const end = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', giveUp)
    }
    if (signal?.aborted) return giveUp()
    signal?.addEventListener('abort', giveUp)
    work(controller.signal).then(resolve, reject).finally(end)
  })
}

export class TimeIsUp extends Error {}

/** Waits; false where the caller gives up meanwhile. */
export function pause(ms: number, signal: AbortSignal | undefined): Promise<boolean> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve(false)
    const wake = () => {
      signal?.removeEventListener('abort', giveUp)
      resolve(true)
    }
    const giveUp = () => {
      clearTimeout(timer)
      resolve(false)
    }
    const timer = setTimeout(wake, ms)
    signal?.addEventListener('abort', giveUp, { once: true })
  })
}
