import type { Soak } from '../measures.ts'
import type { Check } from '../results.ts'

/** What memory may grow by, from the second minute, when caches are filled, to the last one. */
const GROWTH_MAX = 1.1
const MINUTES_MIN = 3
const SAMPLES_A_MINUTE_MIN = 3

/** Leaks under sustained load: of memory, and of connections. */
export function soakChecks(soak: Soak): readonly Check[] {
  return [memoryCheck(soak), connectionsCheck(soak), queueCheck(soak)]
}

function memoryCheck({ samples, minuteMs }: Soak): Check {
  const name = `memory of the last minute is at most ${GROWTH_MAX} times that of the second`
  const lastMs = samples.at(-1)?.ms ?? 0
  const second = within(samples, minuteMs, 2 * minuteMs)
  const last = within(samples, lastMs - minuteMs, lastMs + 1)
  const isShort = lastMs < MINUTES_MIN * minuteMs * 0.95
  const samplesLeast = Math.min(second.length, last.length)
  if (isShort || samplesLeast < SAMPLES_A_MINUTE_MIN) {
    const detail = isShort
      ? 'the run was too short to compare minutes'
      : `the server gave its figures ${second.length} times in the second minute, ${last.length} times in the last`
    return { name, verdict: 'INCONCLUSIVE', detail }
  }
  const [before, after] = [median(second), median(last)]
  return {
    name,
    verdict: after <= GROWTH_MAX * before ? 'PASS' : 'FAIL',
    detail: `resident set ${megabytes(before)} in the second minute, ${megabytes(after)} in the last (median)`,
  }
}

/** Pools close what nobody uses: what stays open after that was never given back. */
function connectionsCheck({ openBefore, openAfter, inUseAfter }: Soak): Check {
  const isBack = openAfter <= openBefore && inUseAfter === 0
  return {
    name: "the server's connections return to what they were before",
    verdict: isBack ? 'PASS' : 'FAIL',
    detail: `${openBefore} before; ${openAfter} after, ${inUseAfter} of them in use`,
  }
}

/** A queue that grows without end: more is asked than the server does. */
function queueCheck({ samples, minuteMs }: Soak): Check {
  const lastMs = samples.at(-1)?.ms ?? 0
  const last = within(samples, lastMs - minuteMs, lastMs + 1)
  const waiting = Math.min(...last.map((sample) => sample.waiting))
  return {
    name: 'the queue for a connection was empty at least once in the last minute',
    verdict: waiting === 0 ? 'PASS' : 'INCONCLUSIVE',
    detail: last.length === 0 ? 'no sample' : `at least ${waiting} waited`,
  }
}

function within(samples: Soak['samples'], fromMs: number, toMs: number): Soak['samples'] {
  return samples.filter(({ ms }) => ms >= fromMs && ms < toMs)
}

function median(samples: Soak['samples']): number {
  const sorted = samples.map(({ rssBytes }) => rssBytes).toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}

function megabytes(bytes: number): string {
  return `${(bytes / 1024 ** 2).toFixed(0)} MB`
}
