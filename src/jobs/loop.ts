/** A polling loop: work that is done again and again, one round at a time. */
export interface Loop {
  /** Ends when the round under way has ended; begins none after it. */
  stop(): Promise<void>
}

/**
 * Does `round` until `stop`, `everyMs` after the last one ended; at once where it says that there is more. What it throws
 * goes to `onError`, and the next round tries again.
 */
export function loop(
  everyMs: number,
  round: () => Promise<boolean>,
  onError: (error: unknown) => void,
): Loop {
  let isStopped = false
  let ended = Promise.resolve()
  let timer: NodeJS.Timeout | undefined
  const go = () => {
    ended = round()
      .catch((error: unknown) => {
        onError(error)
        return false
      })
      .then((hasMore) => {
        if (!isStopped) timer = setTimeout(go, hasMore ? 0 : everyMs)
      })
  }
  timer = setTimeout(go, everyMs)
  return {
    stop: () => {
      isStopped = true
      clearTimeout(timer)
      return ended
    },
  }
}
