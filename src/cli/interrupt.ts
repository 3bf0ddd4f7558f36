/** What shells say of a program that Ctrl-C ended. */
export const INTERRUPTED = 130

/**
 * Debounced signals: npm, npx and our own hand-over pass on the Ctrl-C that the terminal has sent to every process already,
 * so one press arrives twice. What comes later than that is insistence, and ends the process at once.
 */
const ECHO_MS_MAX = 500

/** Calls `stop` at the first of these signals; gives what takes the listeners away again. */
export function onInterrupt(signals: readonly NodeJS.Signals[], stop: () => void): () => void {
  let stoppedAt: number | undefined
  const listener = () => {
    if (stoppedAt === undefined) {
      stoppedAt = performance.now()
      stop()
    } else if (performance.now() - stoppedAt > ECHO_MS_MAX) process.exit(INTERRUPTED)
  }
  for (const signal of signals) process.on(signal, listener)
  return () => {
    for (const signal of signals) process.off(signal, listener)
  }
}
