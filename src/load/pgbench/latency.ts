import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

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

/** Latencies from pgbench's per-transaction logs: every file in `folder`, one a thread. */
export async function readLatencies(folder: string): Promise<LatencyMs> {
  const times: number[] = []
  for (const name of await readdir(folder)) {
    for await (const line of createInterface({ input: createReadStream(join(folder, name)) })) {
      // The third field is microseconds, or a word for a transaction that failed.
      const time = Number(line.split(' ', 3)[2])
      if (!Number.isNaN(time)) times.push(time / 1000)
    }
  }
  return summarize(Float64Array.from(times).sort())
}

/** Nearest-rank percentiles: each is a latency that was measured. */
function summarize(sorted: Float64Array): LatencyMs {
  const count = sorted.length
  const at = (share: number) => sorted[Math.max(0, Math.ceil(share * count) - 1)] ?? 0
  const avg = count === 0 ? 0 : sorted.reduce((sum, time) => sum + time, 0) / count
  return { p50: at(0.5), p90: at(0.9), p95: at(0.95), p99: at(0.99), p999: at(0.999), avg, max: at(1), count }
}
