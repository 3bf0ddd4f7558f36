import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { runChild } from './child.ts'
import { type Launch, launchBuiltIn, launchK6 } from './engines.ts'
import type { RunResult } from './runner/lifecycle.ts'
import { allChecks, type SummaryMetric } from './runner/summary.ts'

export { findK6 } from './engines.ts'

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
    readonly droppedIterations: number
    /** Iteration durations from the moment an arrival rate meant them to start; null without one, and under k6. */
    readonly fromIntendedStartMs: Readonly<Record<string, number>> | null
  }
  /** The end of what the engine printed. */
  readonly output: string
}

export interface ScenarioOptions {
  readonly script: string
  /** `__ENV` of the script: nothing else is in it. */
  readonly env: Readonly<Record<string, string>>
  readonly engine: 'k6' | 'built-in'
  readonly k6Path?: string
  /** The engine and all that it started are killed after so long. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: { readonly iterations: number; readonly elapsedMs: number }) => void
}

/** Runs one k6 script. Fails when the engine is missing, is killed, takes too long, or when `signal` aborts. */
export async function runScenario(options: ScenarioOptions): Promise<LoadRun> {
  const folder = await mkdtemp(join(tmpdir(), 'admit-once-k6-'))
  try {
    const scenario = { script: resolve(options.script), env: options.env, folder }
    const launch = await (options.engine === 'k6'
      ? launchK6(scenario, options.k6Path)
      : launchBuiltIn(scenario))
    return await runLaunch(launch, options)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function runLaunch(launch: Launch, options: ScenarioOptions): Promise<LoadRun> {
  const ended = await runChild(launch.file, launch.args, {
    env: launch.env,
    timeoutMs: options.timeoutMs,
    signal: options.signal,
    onLine: progressReader(options.onProgress),
  })
  const { data, generator } = await readResult(launch.resultFile)
  const metrics = data?.metrics ?? {}
  return {
    engine: options.engine,
    engineVersion: launch.engineVersion,
    exitCode: ended.exitCode,
    durationMs: ended.durationMs,
    metrics: Object.fromEntries(Object.entries(metrics).map(([name, { values }]) => [name, values])),
    // k6 gives them in another order each time.
    thresholds: Object.entries(metrics).toSorted(byName).flatMap(thresholdsOf),
    checks:
      data === undefined
        ? []
        : allChecks(data.root_group).map(({ path, passes, fails }) => ({
            name: path.slice(2),
            passes,
            fails,
          })),
    generator: {
      eventLoopDelayP99Ms: generator?.eventLoopDelayP99Ms ?? null,
      droppedIterations: metrics['dropped_iterations']?.values['count'] ?? 0,
      fromIntendedStartMs: generator?.fromIntendedStartMs ?? null,
    },
    output: ended.output,
  }
}

/** Both engines print a line like `running (01.0s), 2/2 VUs, 4 complete and 0 interrupted iterations` each second. */
function progressReader(onProgress: ScenarioOptions['onProgress']): (line: string) => void {
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
