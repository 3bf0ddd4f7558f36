import type { Stage } from './scenarios.ts'

/** Open model: when each iteration of a constant arrival rate starts, in milliseconds: evenly spaced, the first at once. */
export function* constantArrivals(rate: number, timeUnitMs: number, durationMs: number): Generator<number> {
  const periodMs = timeUnitMs / rate
  for (let arrival = 0; arrival * periodMs < durationMs; arrival += 1) yield arrival * periodMs
}

/**
 * Open model: when each iteration of a ramping arrival rate starts, in milliseconds.
 * Iteration n starts when the area under the rate's line reaches n; what a stage leaves of an area is carried on.
 */
export function* rampingArrivals(
  startRate: number,
  timeUnitMs: number,
  stages: readonly Stage[],
): Generator<number> {
  let from = startRate / timeUnitMs
  let stageStartMs = 0
  let areaBefore = 0
  let next = 1
  for (const { durationMs, target } of stages) {
    const to = target / timeUnitMs
    const areaAfter = areaBefore + (durationMs * (from + to)) / 2
    for (; next <= areaAfter; next += 1)
      yield stageStartMs + timeOfArea(next - areaBefore, from, to, durationMs)
    areaBefore = areaAfter
    stageStartMs += durationMs
    from = to
  }
}

/** Closed model: how many virtual users should be running from which moment on: one step for each user who comes or goes. */
export function rampingSteps(
  startVUs: number,
  stages: readonly Stage[],
): readonly { atMs: number; vus: number }[] {
  const steps = [{ atMs: 0, vus: startVUs }]
  let stageStartMs = 0
  let from = startVUs
  for (const { durationMs, target } of stages) {
    const change = Math.sign(target - from)
    const distance = Math.abs(target - from)
    for (let moved = 1; moved <= distance; moved += 1) {
      steps.push({ atMs: stageStartMs + (durationMs * moved) / distance, vus: from + change * moved })
    }
    from = target
    stageStartMs += durationMs
  }
  return steps
}

/** Where the area under a line from `from` to `to` over `durationMs` reaches `area`. */
function timeOfArea(area: number, from: number, to: number, durationMs: number): number {
  if (from === to) return area / to
  const root = Math.sqrt(Math.max(0, durationMs * (from * from * durationMs + 2 * area * (to - from))))
  return (from * durationMs - root) / (from - to)
}
