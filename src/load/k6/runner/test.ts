import { performance } from 'node:perf_hooks'
import { addSample, createMetrics, type Metric, type Metrics, type Sink, type Tags } from './metrics.ts'
import type { Options } from './options.ts'
import { Stop, unsupported } from './stop.ts'

/** One run of a script: what all its virtual users share. */
export interface Test {
  readonly script: string
  readonly env: Readonly<Record<string, string>>
  readonly printsProgress: boolean
  readonly metrics: Metrics
  /** Checks and groups by path, `::group::check`, in order of appearance. */
  readonly checks: Map<string, { passes: number; fails: number }>
  readonly groups: Set<string>
  readonly sharedArrays: Map<string, readonly unknown[]>
  readonly counts: { completed: number; interrupted: number; activeVUs: number; initializedVUs: number }
  /** Iteration durations from the intended start, of scenarios with an arrival rate. */
  readonly fromIntendedStart: Sink
  /** Set once the script has been read. */
  options: Options | undefined
  /** Whether the script makes calls that block, so that each user runs as a guest. */
  mayBlock: boolean
  setupJson: string | undefined
  startedAtMs: number
  /** Rate limit: the next request may start then. */
  nextTurnAtMs: number
  /** `exec.test.fail()` was called. */
  markedAsFailed: boolean
  /** Why the run ends early. */
  readonly stopped: Stop | undefined
  stop(reason: Stop): void
  /** Calls back when the run ends early, at once if it has already; returns how to take that back. */
  onStop(listener: () => void): () => void
}

export function createTest(
  script: string,
  env: Readonly<Record<string, string>>,
  printsProgress = true,
): Test {
  const listeners = new Set<() => void>()
  let stopped: Stop | undefined
  return {
    script,
    env,
    printsProgress,
    metrics: createMetrics(),
    checks: new Map(),
    groups: new Set(),
    sharedArrays: new Map(),
    counts: { completed: 0, interrupted: 0, activeVUs: 0, initializedVUs: 0 },
    fromIntendedStart: createMetrics().define('from_intended_start', 'trend', 'time').sink,
    options: undefined,
    mayBlock: false,
    setupJson: undefined,
    startedAtMs: performance.now(),
    nextTurnAtMs: 0,
    markedAsFailed: false,
    get stopped() {
      return stopped
    },
    stop(reason) {
      if (stopped !== undefined) return
      stopped = reason
      for (const listener of [...listeners]) listener()
    },
    onStop(listener) {
      if (stopped === undefined) listeners.add(listener)
      else listener()
      return () => listeners.delete(listener)
    },
  }
}

/** Refuses what the runner cannot do, and ends the run even when the script catches the refusal. */
export function refuse(test: Test, what: string, instead: string): never {
  return loudly(test, () => {
    throw unsupported(what, instead)
  })
}

/** Whatever refuses within ends the run. */
export function loudly<T>(test: Test, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof Stop) test.stop(error)
    throw error
  }
}

export function elapsedMs(test: Test): number {
  return performance.now() - test.startedAtMs
}

export function sample(test: Test, name: string, value: number, tags: Tags): void {
  addSample(builtIn(test, name), value, tags)
}

export function recordCheck(test: Test, group: string, name: string, passed: boolean): void {
  const path = `${group}::${name}`
  const known = test.checks.get(path) ?? { passes: 0, fails: 0 }
  known[passed ? 'passes' : 'fails'] += 1
  test.checks.set(path, known)
  test.groups.add(group)
}

function builtIn(test: Test, name: string): Metric {
  const metric = test.metrics.all.get(name)
  if (metric === undefined) throw new Error(`there is no built-in metric '${name}'`)
  return metric
}
