import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { openTimeline, type TimeWindow } from '../timeline.ts'

/** In milliseconds, over completed transactions, all their tries included; all zero where none completed. */
export interface LatencyMs {
  readonly p50: number
  readonly p90: number
  readonly p95: number
  readonly p99: number
  readonly p999: number
  readonly avg: number
  readonly max: number
  readonly count: number
}

/** Latencies from pgbench's per-transaction logs, of all scripts, of each, and over the run: every file in `folder`, one a thread. */
export async function readLatencies(
  folder: string,
  scripts: number,
): Promise<{
  readonly all: LatencyMs
  readonly each: readonly LatencyMs[]
  readonly timeline: readonly TimeWindow[]
}> {
  const times = Array.from({ length: scripts }, (): number[] => [])
  const ends: (readonly [ms: number, time: number])[] = []
  for (const name of await readdir(folder)) {
    for await (const line of createInterface({ input: createReadStream(join(folder, name)) })) {
      // Microseconds, or a word for a transaction that failed; then the script, and when it ended: seconds and microseconds.
      const [, , time, script, second = 0, microsecond = 0] = line.split(' ', 6).map(Number)
      if (time === undefined || Number.isNaN(time)) continue
      times[script ?? 0]?.push(time / 1000)
      ends.push([second * 1000 + microsecond / 1000, time / 1000])
    }
  }
  const sorted = (ms: readonly number[]) => summarize(Float64Array.from(ms).sort())
  return { all: sorted(times.flat()), each: times.map(sorted), timeline: timelineOf(ends) }
}

/** From when the first transaction began. */
function timelineOf(ends: readonly (readonly [ms: number, time: number])[]): readonly TimeWindow[] {
  const startedMs = ends.reduce((first, [ms, time]) => Math.min(first, ms - time), Infinity)
  const timeline = openTimeline()
  for (const [ms, time] of ends) timeline.add(ms - startedMs, time)
  return timeline.windows()
}

/** Nearest-rank percentiles: each is a latency that was measured. */
function summarize(sorted: Float64Array): LatencyMs {
  const count = sorted.length
  const at = (share: number) => sorted[Math.max(0, Math.ceil(share * count) - 1)] ?? 0
  const avg = count === 0 ? 0 : sorted.reduce((sum, time) => sum + time, 0) / count
  return { p50: at(0.5), p90: at(0.9), p95: at(0.95), p99: at(0.99), p999: at(0.999), avg, max: at(1), count }
}
