import { AsyncLocalStorage } from 'node:async_hooks'
import type { Agent as HttpAgent } from 'node:http'
import type { Agent as HttpsAgent } from 'node:https'
import { performance } from 'node:perf_hooks'
import { setImmediate } from 'node:timers'
import { type CookieJar, createCookieJar } from './cookies.ts'
import type { Test } from './test.ts'

/** A virtual user: its own instance of the script, its own connections, cookies and tags. */
export interface VirtualUser {
  readonly test: Test
  /** From 1; 0 runs setup, teardown and handleSummary. */
  readonly id: number
  /** What this instance of the script exports. */
  exports: Readonly<Record<string, unknown>>
  /** Tags of every sample, `scenario` and `group` among them. */
  tags: Record<string, string>
  env: Readonly<Record<string, string>>
  /** `__ITER`: undefined before the first iteration. */
  iteration: number | undefined
  scenario: ScenarioOfUser | undefined
  /** While the script's top level runs: the only time for `open()` and new metrics. */
  initializing: boolean
  setupData: { readonly value: unknown } | undefined
  random: () => number
  readonly cookies: CookieJar
  agents: { readonly http: HttpAgent; readonly https: HttpsAgent } | undefined
  isExpectedStatus: ((status: number) => boolean) | null
  readonly traffic: { sent: number; received: number }
  /** Called when `__ITER` or `__ENV` changes. */
  onChange: () => void
  task: Task | undefined
  /** When its iteration is interrupted, by `performance.now()`; an endless loop of a guest learns of it there. */
  mustEndAtMs: number
  /** Runs in an engine of its own, where all that is under way is of the user's one task. */
  isGuest: boolean
}

/** What `exec.scenario` and `exec.vu` say about the scenario that the user takes part in. */
export interface ScenarioOfUser {
  readonly name: string
  readonly executor: string
  readonly startedAt: number
  readonly progress: () => number
  iterationInTest: number
  readonly iterationInScenario: Map<string, number>
}

/** Event loop of one call of the script, from its start until nothing of it is under way any more. */
export interface Task {
  over: boolean
  /** By `performance.now()`. What ends later was interrupted, and is ended by who watches the time. */
  readonly mustEndAtMs: number
  result: unknown
  pending: number
  readonly cancels: Set<() => void>
  finish(outcome: Outcome): void
}

export interface Failure {
  readonly kind: 'failed'
  readonly error: unknown
  readonly rejected: boolean
}

export type Outcome =
  | { readonly kind: 'done'; readonly result: unknown }
  | Failure
  | { readonly kind: 'interrupted' }

export function createVirtualUser(test: Test, id: number): VirtualUser {
  return {
    test,
    id,
    exports: {},
    tags: {},
    env: test.env,
    iteration: undefined,
    scenario: undefined,
    initializing: true,
    setupData: undefined,
    random: Math.random,
    cookies: createCookieJar(),
    agents: undefined,
    isExpectedStatus: (status) => status >= 200 && status <= 399,
    traffic: { sent: 0, received: 0 },
    onChange: () => undefined,
    task: undefined,
    isGuest: false,
    mustEndAtMs: Number.POSITIVE_INFINITY,
  }
}

/**
 * Calls a function of the script and waits until it has settled and every request and timer that it began has ended:
 * the event loop of k6 ends there too. A failure or an interruption ends it at once; what was under way is cancelled
 * and never settles, so the rest of the call never runs.
 */
export async function runTask(
  user: VirtualUser,
  call: () => unknown,
): Promise<{ readonly outcome: Outcome; readonly durationMs: number }> {
  const startedAt = performance.now()
  const { promise, resolve } = Promise.withResolvers<Outcome>()
  const task = createTask(user.mustEndAtMs, resolve)
  user.task = task
  currentTask.run(task, () => void follow(task, call))
  const outcome = await promise
  user.task = undefined
  return { outcome, durationMs: performance.now() - startedAt }
}

export function interrupt(user: VirtualUser): void {
  user.task?.finish({ kind: 'interrupted' })
}

/** Ends a request or a timer with a callback into the script, which is dropped when the call is over already. */
export type End = (callback: () => void, stillUnderWay?: boolean) => void

/**
 * Begins a request or a timer for the call of the script that asks for it; `start` returns how to cancel it. What a call that
 * is over asks for never begins: nobody would cancel it.
 */
export function begin(user: VirtualUser, start: (end: End) => () => void): void {
  const task = user.isGuest ? user.task : (currentTask.getStore() ?? user.task)
  if (task === undefined) throw new Error('requests and timers are not available in the init context')
  if (task.over) return
  let cancel = (): void => undefined
  const cancelStarted = () => cancel()
  task.pending += 1
  task.cancels.add(cancelStarted)
  const forget = () => {
    task.pending -= 1
    task.cancels.delete(cancelStarted)
  }
  try {
    cancel = start((callback, stillUnderWay = false) => {
      if (task.over) return
      try {
        callback()
      } catch (error) {
        task.finish({ kind: 'failed', error, rejected: false })
      }
      if (stillUnderWay) return
      forget()
      finishWhenIdle(task)
    })
  } catch (error) {
    forget()
    throw error
  }
}

/** The call that a rejected promise without a handler belongs to. */
export function taskOfRejection(): Task | undefined {
  return currentTask.getStore()
}

const currentTask = new AsyncLocalStorage<Task>()

function createTask(mustEndAtMs: number, settle: (outcome: Outcome) => void): Task {
  const task: Task = {
    over: false,
    mustEndAtMs,
    result: undefined,
    pending: 0,
    cancels: new Set(),
    finish(outcome) {
      if (task.over) return
      task.over = true
      settle(outcome)
      for (const cancel of task.cancels) cancel()
    },
  }
  return task
}

/** The call has a turn of its own: when the watchdog terminates it, it takes nobody along who waits for it. */
async function follow(task: Task, call: () => unknown): Promise<void> {
  await undefined
  if (task.over) return
  finishWhenIdle(task)
  let rejected = false
  try {
    const returned = call()
    rejected = true
    task.result = await returned
    finishWhenIdle(task)
  } catch (error) {
    task.finish({ kind: 'failed', error, rejected })
  }
}

/** Nothing is under way once all promises that can continue have continued, so it is asked after them. */
function finishWhenIdle(task: Task): void {
  if (task.pending > 0) return
  setImmediate(() => {
    const isLate = performance.now() > task.mustEndAtMs
    if (task.pending === 0 && !isLate) task.finish({ kind: 'done', result: task.result })
  })
}
