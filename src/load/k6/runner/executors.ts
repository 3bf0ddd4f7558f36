import { performance } from 'node:perf_hooks'
import { clearTimeout, setTimeout } from 'node:timers'
import { constantArrivals, rampingArrivals, rampingSteps } from './arrivals.ts'
import { type Crew, iterate } from './crew.ts'
import { type Plan, regularMs } from './scenarios.ts'
import { sample } from './test.ts'
import { interrupt, type VirtualUser } from './vu.ts'

/** Runs one scenario from its start until its last iteration has ended or was interrupted. */
export async function execute(crew: Crew): Promise<void> {
  const window = openWindow(crew)
  try {
    await run(crew, crew.scenario.plan, window)
  } finally {
    window.close()
  }
}

/** While `open`, iterations may start; after the graceful stop, or when the test stops, those that run are interrupted. */
interface Window {
  readonly open: boolean
  /** Resolves at that moment of the scenario, or once the window is shut; false when it was shut. */
  until(atMs: number): Promise<boolean>
  close(): void
}

function run(crew: Crew, plan: Plan, window: Window): Promise<void> {
  switch (plan.executor) {
    case 'shared-iterations':
      return sharedIterations(crew, plan, window)
    case 'per-vu-iterations':
      return perUserIterations(crew, plan, window)
    case 'constant-vus':
      return constantUsers(crew, plan, window)
    case 'ramping-vus':
      return rampingUsers(crew, plan, window)
    case 'constant-arrival-rate': {
      const arrivals = constantArrivals(plan.rate, plan.timeUnitMs, plan.durationMs)
      return arrivingIterations(crew, plan, window, arrivals)
    }
    case 'ramping-arrival-rate': {
      const arrivals = rampingArrivals(plan.startRate, plan.timeUnitMs, plan.stages)
      return arrivingIterations(crew, plan, window, arrivals)
    }
  }
}

type PlanOf<Executor extends Plan['executor']> = Extract<Plan, { executor: Executor }>

async function sharedIterations(
  crew: Crew,
  { vus, iterations }: PlanOf<'shared-iterations'>,
  window: Window,
): Promise<void> {
  let attempted = 0
  crew.progress = () => crew.completed / iterations
  await withUsers(crew, vus, async (user) => {
    while (window.open && attempted < iterations) {
      attempted += 1
      await iterate(crew, user)
    }
  })
  drop(crew, iterations - attempted)
}

async function perUserIterations(
  crew: Crew,
  { vus, iterations }: PlanOf<'per-vu-iterations'>,
  window: Window,
): Promise<void> {
  crew.progress = () => crew.completed / (vus * iterations)
  await withUsers(crew, vus, async (user) => {
    for (let done = 0; done < iterations; done += 1) {
      if (!window.open) return drop(crew, iterations - done)
      await iterate(crew, user)
    }
  })
}

async function constantUsers(crew: Crew, { vus }: PlanOf<'constant-vus'>, window: Window): Promise<void> {
  await withUsers(crew, vus, async (user) => {
    while (window.open) await iterate(crew, user)
  })
}

async function rampingUsers(crew: Crew, plan: PlanOf<'ramping-vus'>, window: Window): Promise<void> {
  const places: Place[] = []
  for (const { atMs, vus } of rampingSteps(plan.startVUs, plan.stages)) {
    if (!(await window.until(atMs))) break
    while (places.length < vus)
      places.push({ wanted: false, deadline: undefined, running: undefined, user: undefined })
    for (const place of places.slice(0, vus)) enter(crew, place, window)
    for (const place of places.slice(vus)) leave(place, plan.gracefulRampDownMs)
  }
  await window.until(regularMs(plan))
  for (const place of places) place.wanted = false
  await Promise.all(places.map(({ running }) => running))
  for (const { deadline } of places) clearTimeout(deadline)
}

/** One of the places that a ramp fills and empties; its user may finish an iteration after it was asked to leave. */
interface Place {
  wanted: boolean
  deadline: NodeJS.Timeout | undefined
  running: Promise<void> | undefined
  user: VirtualUser | undefined
}

function enter(crew: Crew, place: Place, window: Window): void {
  if (place.wanted) return
  place.wanted = true
  clearTimeout(place.deadline)
  place.running ??= withUsers(crew, 1, async (user) => {
    place.user = user
    while (place.wanted && window.open) await iterate(crew, user)
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

/** An iteration starts at each arrival if a user is free; if none is, it is dropped and, up to `maxVUs`, one more is hired. */
async function arrivingIterations(
  crew: Crew,
  plan: PlanOf<'constant-arrival-rate'> | PlanOf<'ramping-arrival-rate'>,
  window: Window,
  arrivals: Iterable<number>,
): Promise<void> {
  const free = crew.take(plan.preAllocatedVUs)
  const hired = [...free]
  const running = new Set<Promise<void>>()
  let hiring: Promise<void> | undefined
  for (const atMs of arrivals) {
    if (!(await window.until(atMs))) break
    const user = free.shift()
    if (user !== undefined) {
      const iteration = iterate(crew, user, crew.startedAtMs + atMs).then(() => void free.push(user))
      running.add(iteration)
      void iteration.then(() => running.delete(iteration))
      continue
    }
    drop(crew, 1)
    if (hired.length >= plan.maxVUs) continue
    hiring ??= crew.hire().then((newcomer) => {
      hired.push(newcomer)
      free.push(newcomer)
      hiring = undefined
    })
  }
  await window.until(regularMs(plan))
  await Promise.all([...running, hiring])
  crew.give(hired)
}

async function withUsers(
  crew: Crew,
  count: number,
  work: (user: VirtualUser) => Promise<void>,
): Promise<void> {
  const users = crew.take(count)
  await Promise.all(users.map(work))
  crew.give(users)
}

/** What an aborted test did not start was not dropped. */
function drop(crew: Crew, count: number): void {
  if (count > 0 && crew.test.stopped === undefined) sample(crew.test, 'dropped_iterations', count, crew.tags)
}

function openWindow(crew: Crew): Window {
  const durationMs = regularMs(crew.scenario.plan)
  const startedAtMs = performance.now()
  const interruptAll = () => crew.users.forEach(interrupt)
  let isShut = false
  let wake = (): void => undefined
  const forget = crew.test.onStop(() => {
    isShut = true
    wake()
    interruptAll()
  })
  const hardStop = setTimeout(interruptAll, durationMs + crew.scenario.gracefulStopMs)
  crew.startedAtMs = startedAtMs
  crew.progress = () => Math.min(1, (performance.now() - startedAtMs) / durationMs)
  return {
    get open() {
      return !isShut && performance.now() - startedAtMs < durationMs
    },
    async until(atMs) {
      const leftMs = () => startedAtMs + atMs - performance.now()
      while (leftMs() > 0 && !isShut) {
        await new Promise<void>((done) => {
          wake = callOnce(done, Math.ceil(leftMs()))
        })
      }
      return !isShut
    },
    close() {
      forget()
      clearTimeout(hardStop)
    },
  }
}

/** Calls back after a while, or when the function returned is called, whichever comes first. */
function callOnce(callback: () => void, delayMs: number): () => void {
  const timer = setTimeout(callback, delayMs)
  return () => {
    clearTimeout(timer)
    callback()
  }
}
