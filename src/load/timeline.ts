/** Answer times within one window of a run, in milliseconds. */
export interface TimeWindow {
  /** From the start of the run to the start of the window. */
  readonly ms: number
  readonly count: number
  readonly p50: number
  readonly p95: number
  readonly p99: number
}

/** Answer times over a run. */
export interface Timeline {
  /** `atMs` after the start of the run an answer came that had taken `ms`. */
  add(atMs: number, ms: number): void
  /** Windows of equal length, those without an answer left out. */
  windows(): readonly TimeWindow[]
}

const WINDOWS_MAX = 60
const WINDOW_MS_MIN = 100

/** Downsampling: windows are merged by twos when a run is longer than they reach. Percentiles of a window are of all its values. */
export function openTimeline(): Timeline {
  let windowMs = WINDOW_MS_MIN
  let values: number[][] = []
  return {
    add: (atMs, ms) => {
      while (atMs >= windowMs * WINDOWS_MAX) {
        values = mergeByTwos(values)
        windowMs *= 2
      }
      const at = Math.max(0, Math.floor(atMs / windowMs))
      values[at] ??= []
      values[at].push(ms)
    },
    windows: () =>
      values.flatMap((those, at) => (those === undefined ? [] : [summarize(at * windowMs, those)])),
  }
}

function mergeByTwos(values: readonly number[][]): number[][] {
  const merged: number[][] = []
  for (const [at, those] of values.entries()) {
    if (those === undefined) continue
    const half = Math.floor(at / 2)
    merged[half] = (merged[half] ?? []).concat(those)
  }
  return merged
}

/** Nearest-rank percentiles. */
function summarize(ms: number, values: readonly number[]): TimeWindow {
  const sorted = Float64Array.from(values).sort()
  const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0
  return { ms, count: sorted.length, p50: at(0.5), p95: at(0.95), p99: at(0.99) }
}
