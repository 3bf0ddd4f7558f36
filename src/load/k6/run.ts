import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import process from 'node:process'
import { type ChildExit, runChild } from '../child.ts'
import type { Tool } from '../find.ts'
import type { TimeWindow } from '../timeline.ts'
import { launchBuiltIn, launchK6 } from './launch.ts'
import type { RunResult } from './runner/lifecycle.ts'
import { allChecks, type SummaryMetric } from './runner/summary-data.ts'

/** What one run of a scenario measured: the same under k6 and under the built-in runner. Times in milliseconds. */
export interface LoadRun {
  readonly engine: 'k6' | 'built-in'
  readonly engineVersion: string
  /** 0 passed · 99 a threshold failed · 104 bad options · 107 the script threw · 108 it aborted · others as in k6. */
  readonly exitCode: number
  readonly durationMs: number
  /** Metric, then statistic. Empty when the script did not get as far as running. */
  readonly metrics: Readonly<Record<string, Readonly<Record<string, number>>>>
  readonly thresholds: readonly {
    readonly metric: string
    readonly threshold: string
    readonly ok: boolean
  }[]
  readonly checks: readonly { readonly name: string; readonly passes: number; readonly fails: number }[]
  readonly generator: {
    /** Above what the timer itself takes; null under k6, which has no event loop of one thread. */
    readonly eventLoopDelayP99Ms: number | null
    /** CPU time over time, of the built-in runner: 1 is one core that was always busy; null under k6, which does not say. */
    readonly cpuCores: number | null
    readonly droppedIterations: number
    /** Iteration durations from the moment an arrival rate meant them to start; null without one, and under k6. */
    readonly fromIntendedStartMs: Readonly<Record<string, number>> | null
  }
  /** Times of expected answers over the run; empty under k6, whose summary has none. */
  readonly timeline: readonly TimeWindow[]
  /** The end of what the engine printed. */
  readonly output: string
}

export interface K6Options {
  readonly script: string
  /** `__ENV` of the script: nothing else is in it. */
  readonly env: Readonly<Record<string, string>>
  /** A file that takes what the script prints, as it is, line by line. */
  readonly consoleFile?: string | undefined
  /** The engine and all that it started are killed after so long. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: { readonly iterations: number; readonly elapsedMs: number }) => void
}

/** Runs one k6 script, with the built-in runner where no `k6` is given. Fails when it is killed, takes too long, or `signal` aborts. */
export async function runK6(k6: Tool | undefined, options: K6Options): Promise<LoadRun> {
  const folder = await mkdtemp(join(tmpdir(), 'admit-once-k6-'))
  try {
    const { env, consoleFile } = options
    const launchOptions = { script: resolve(options.script), env, folder, consoleFile }
    const launch = k6 === undefined ? launchBuiltIn(launchOptions) : await launchK6(k6, launchOptions)
    const exit = await runChild(launch.file, launch.args, {
      env: launch.env,
      timeoutMs: options.timeoutMs,
      signal: options.signal,
      onLine: progressReader(options.onProgress),
    })
    const engine = k6 === undefined ? 'built-in' : 'k6'
    return runOf(engine, k6?.version ?? BUILT_IN_VERSION, exit, await readResult(launch.resultFile))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

export const BUILT_IN_VERSION = `Node ${process.version}`

function runOf(
  engine: LoadRun['engine'],
  engineVersion: string,
  { exitCode, durationMs, output }: ChildExit,
  { data, generator, timeline = [] }: Partial<RunResult>,
): LoadRun {
  const metrics = data?.metrics ?? {}
  const checks = data === undefined ? [] : allChecks(data.root_group)
  return {
    engine,
    engineVersion,
    exitCode,
    durationMs,
    metrics: Object.fromEntries(Object.entries(metrics).map(([name, { values }]) => [name, values])),
    // k6 gives them in another order each time.
    thresholds: Object.entries(metrics).toSorted(byName).flatMap(thresholdsOf),
    checks: checks.map(({ path, passes, fails }) => ({ name: path.slice(2), passes, fails })),
    generator: {
      eventLoopDelayP99Ms: generator?.eventLoopDelayP99Ms ?? null,
      cpuCores: generator?.cpuCores ?? null,
      droppedIterations: metrics['dropped_iterations']?.values['count'] ?? 0,
      fromIntendedStartMs: generator?.fromIntendedStartMs ?? null,
    },
    timeline,
    output,
  }
}

/** Both engines print a line like `running (01.0s), 2/2 VUs, 4 complete and 0 interrupted iterations` each second. */
function progressReader(onProgress: K6Options['onProgress']): (line: string) => void {
  const startedAt = performance.now()
  return (line) => {
    const complete = /^running \(.*\), .* VUs, (\d+) complete/.exec(line)?.[1]
    if (complete === undefined) return
    onProgress?.({ iterations: Number(complete), elapsedMs: performance.now() - startedAt })
  }
}

/** An engine that refused the script has left nothing. */
async function readResult(file: string): Promise<Partial<RunResult>> {
  const text = await readFile(file, 'utf8').catch(() => '{}')
  return JSON.parse(text)
}

function byName([one]: readonly [string, unknown], [other]: readonly [string, unknown]): number {
  return one < other ? -1 : 1
}

function thresholdsOf([metric, { thresholds = {} }]: readonly [
  string,
  SummaryMetric,
]): LoadRun['thresholds'] {
  return Object.entries(thresholds).map(([threshold, { ok }]) => ({ metric, threshold, ok }))
}
