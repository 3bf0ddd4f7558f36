import { performance } from 'node:perf_hooks'
import { clearTimeout, setTimeout } from 'node:timers'
import { constantArrivals, rampingArrivals, rampingSteps } from './arrivals.ts'
import { iterate, type ScenarioRun } from './scenario-run.ts'
import { type Plan, regularMs } from './scenarios.ts'
import { sample } from './test.ts'
import { interrupt, type VirtualUser } from './vu.ts'
import { endBy } from './watchdog.ts'

/** Runs one scenario from its start until its last iteration has ended or was interrupted. */
export async function execute(run: ScenarioRun): Promise<void> {
  const window = openWindow(run)
  try {
    await runPlan(run, run.scenario.plan, window)
  } finally {
    window.close()
  }
}

/** Graceful stop: iterations start while `open`; those that still run when it is over, or when the test stops, are interrupted. */
interface Window {
  readonly open: boolean
  /** To be asked right before an iteration starts: what comes between would leave one that nothing interrupts. */
  readonly isShut: boolean
  /** Resolves at that moment of the scenario, or once the window is shut. */
  until(atMs: number): Promise<void>
  close(): void
}

function runPlan(run: ScenarioRun, plan: Plan, window: Window): Promise<void> {
  switch (plan.executor) {
    case 'shared-iterations':
      return sharedIterations(run, plan, window)
    case 'per-vu-iterations':
      return perUserIterations(run, plan, window)
    case 'constant-vus':
      return constantUsers(run, plan, window)
    case 'ramping-vus':
      return rampingUsers(run, plan, window)
    case 'constant-arrival-rate': {
      const arrivals = constantArrivals(plan.rate, plan.timeUnitMs, plan.durationMs)
      return arrivingIterations(run, plan, window, arrivals)
    }
    case 'ramping-arrival-rate': {
      const arrivals = rampingArrivals(plan.startRate, plan.timeUnitMs, plan.stages)
      return arrivingIterations(run, plan, window, arrivals)
    }
  }
}

type PlanOf<Executor extends Plan['executor']> = Extract<Plan, { executor: Executor }>

async function sharedIterations(
  run: ScenarioRun,
  { vus, iterations }: PlanOf<'shared-iterations'>,
  window: Window,
): Promise<void> {
  let attempted = 0
  run.progress = () => run.completed / iterations
  await withUsers(run, vus, async (user) => {
    while (window.open && attempted < iterations) {
      attempted += 1
      await iterate(run, user)
    }
  })
  drop(run, iterations - attempted)
}

async function perUserIterations(
  run: ScenarioRun,
  { vus, iterations }: PlanOf<'per-vu-iterations'>,
  window: Window,
): Promise<void> {
  run.progress = () => run.completed / (vus * iterations)
  await withUsers(run, vus, async (user) => {
    for (let done = 0; done < iterations; done += 1) {
      if (!window.open) return drop(run, iterations - done)
      await iterate(run, user)
    }
  })
}

async function constantUsers(
  run: ScenarioRun,
  { vus }: PlanOf<'constant-vus'>,
  window: Window,
): Promise<void> {
  await withUsers(run, vus, async (user) => {
    while (window.open) await iterate(run, user)
  })
}

async function rampingUsers(run: ScenarioRun, plan: PlanOf<'ramping-vus'>, window: Window): Promise<void> {
  const places: Place[] = []
  for (const { atMs, vus } of rampingSteps(plan.startVUs, plan.stages)) {
    await window.until(atMs)
    if (window.isShut) break
    while (places.length < vus)
      places.push({ wanted: false, deadline: undefined, running: undefined, user: undefined })
    for (const place of places.slice(0, vus)) enter(run, place, window)
    for (const place of places.slice(vus)) leave(place, plan.gracefulRampDownMs)
  }
  await window.until(regularMs(plan))
  for (const place of places) place.wanted = false
  await Promise.all(places.map(({ running }) => running))
  for (const { deadline } of places) clearTimeout(deadline)
}

/** VU slot: one of the places that a ramp fills and empties; its user may finish an iteration after it was asked to leave. */
interface Place {
  wanted: boolean
  deadline: NodeJS.Timeout | undefined
  running: Promise<void> | undefined
  user: VirtualUser | undefined
}

function enter(run: ScenarioRun, place: Place, window: Window): void {
  if (place.wanted) return
  place.wanted = true
  clearTimeout(place.deadline)
  place.running ??= withUsers(run, 1, async (user) => {
    place.user = user
    while (place.wanted && window.open) await iterate(run, user)
    place.user = undefined
  }).then(() => {
    place.running = undefined
  })
}

function leave(place: Place, gracefulMs: number): void {
  if (!place.wanted) return
  place.wanted = false
  place.deadline = setTimeout(() => place.user !== undefined && interrupt(place.user), gracefulMs)
}

/** Open model: an iteration starts at each arrival if a user is free; if none is, it is dropped and, up to `maxVUs`, one more is initialized. */
async function arrivingIterations(
  run: ScenarioRun,
  plan: PlanOf<'constant-arrival-rate'> | PlanOf<'ramping-arrival-rate'>,
  window: Window,
  arrivals: Iterable<number>,
): Promise<void> {
  const free = run.acquire(plan.preAllocatedVUs)
  const members = [...free]
  const running = new Set<Promise<void>>()
  let initializing: Promise<void> | undefined
  for (const atMs of arrivals) {
    await window.until(atMs)
    if (window.isShut) break
    const user = free.shift()
    if (user !== undefined) {
      const iteration = iterate(run, user, run.startedAtMs + atMs).then(() => void free.push(user))
      running.add(iteration)
      void iteration.then(() => running.delete(iteration))
      continue
    }
    drop(run, 1)
    if (members.length >= plan.maxVUs) continue
    initializing ??= run.initialize().then((newcomer) => {
      members.push(newcomer)
      free.push(newcomer)
      initializing = undefined
    })
  }
  await window.until(regularMs(plan))
  await Promise.all([...running, initializing])
  run.release(members)
}

async function withUsers(
  run: ScenarioRun,
  count: number,
  work: (user: VirtualUser) => Promise<void>,
): Promise<void> {
  const users = run.acquire(count)
  await Promise.all(users.map(work))
  run.release(users)
}

/** Dropped iterations: what an aborted test did not start is none. */
function drop(run: ScenarioRun, count: number): void {
  if (count > 0 && run.test.stopped === undefined) sample(run.test, 'dropped_iterations', count, run.tags)
}

function openWindow(run: ScenarioRun): Window {
  const durationMs = regularMs(run.scenario.plan)
  const startedAtMs = performance.now()
  let isShut = false
  let wake = (): void => undefined
  const shut = () => {
    isShut = true
    wake()
    run.users.forEach(interrupt)
  }
  run.startedAtMs = startedAtMs
  run.progress = () => Math.min(1, (performance.now() - startedAtMs) / durationMs)
  const forget = run.test.onStop(shut)
  run.mustEndAtMs = startedAtMs + durationMs + run.scenario.gracefulStopMs
  const cancelWatch = endBy(durationMs + run.scenario.gracefulStopMs)
  const cancelHardStop = callAt(run.mustEndAtMs, () => {
    cancelWatch()
    shut()
  })
  return {
    get open() {
      return !isShut && performance.now() - startedAtMs < durationMs
    },
    get isShut() {
      return isShut
    },
    async until(atMs) {
      if (isShut) return
      await new Promise<void>((done) => {
        const cancel = callAt(startedAtMs + atMs, done)
        wake = () => {
          cancel()
          done()
        }
      })
    },
    close() {
      forget()
      cancelHardStop()
      cancelWatch()
    },
  }
}

/**
 * Early timers: Node counts whole milliseconds, so a timer may fire up to one before its moment by `performance.now()`, and is
 * armed again. A hard stop that came early would leave time for one more iteration, which nothing would interrupt.
 */
function callAt(atMs: number, callback: () => void): () => void {
  let timer: NodeJS.Timeout | undefined
  const arm = () => {
    const leftMs = atMs - performance.now()
    if (leftMs <= 0) callback()
    else timer = setTimeout(arm, Math.ceil(leftMs))
  }
  arm()
  return () => clearTimeout(timer)
}
