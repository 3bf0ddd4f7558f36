import type { Client } from 'pg'
import type { Schedule } from './schedules.ts'

/** One statement of a session. */
export interface Step {
  readonly name: string
  run(client: Client): Promise<string>
}

export interface SteppedSession {
  readonly client: Client
  /** Of its backend. */
  readonly pid: number
  readonly steps: readonly Step[]
}

export interface Trace {
  /** The schedule as it could be: a session that waits for a lock has no next step, so another one goes on. */
  readonly stepped: Schedule
  /** What each step said, by session. */
  readonly answers: readonly (readonly Answer[])[]
  /** How often a step had to wait for a lock of another session. */
  readonly waits: number
  /** How often every session that was left waited for another. */
  readonly deadlocks: number
  readonly ms: number
}

/** What a step answered, or the SQLSTATE that it raised. */
export interface Answer {
  readonly said: string
  readonly raised: boolean
}

const SETTLE_MS_MAX = 15_000
const POLL_MS = 1

/**
 * Isolation tester: takes the steps one at a time, each once every session has answered or waits for a lock of another, as
 * pg_isolation_test_session_is_blocked() has it. Rejects after 15 seconds without either.
 */
export async function stepThrough(
  observer: Client,
  sessions: readonly SteppedSession[],
  schedule: Schedule,
): Promise<Trace> {
  const startedMs = performance.now()
  const answers: Answer[][] = sessions.map(() => [])
  const running = new Map<number, Promise<void>>()
  const queue = [...schedule]
  const stepped: number[] = []
  let waits = 0
  let deadlocks = 0
  while (queue.length > 0) {
    const at = queue.findIndex((session) => !running.has(session))
    if (at === -1) {
      deadlocks++
      await Promise.race(running.values())
    }
    const [mine] = at === -1 ? [] : queue.splice(at, 1)
    if (mine !== undefined) {
      stepped.push(mine)
      const answer = answerOf(sessions[mine], answers[mine]?.length ?? 0).then((told) => {
        answers[mine]?.push(told)
        running.delete(mine)
      })
      // A lost connection is thrown where it is awaited.
      answer.catch(() => {})
      running.set(mine, answer)
    }
    await settle(observer, sessions, running)
    if (mine !== undefined && running.has(mine)) waits++
  }
  // The last step was a COMMIT, so that nobody holds a lock any more.
  await Promise.all(running.values())
  return { stepped, answers, waits, deadlocks, ms: performance.now() - startedMs }
}

async function answerOf(session: SteppedSession | undefined, at: number): Promise<Answer> {
  const step = session?.steps[at]
  if (session === undefined || step === undefined) throw new Error('the schedule is of other sessions')
  try {
    return { said: await step.run(session.client), raised: false }
  } catch (error) {
    return { said: sqlstateOf(error), raised: true }
  }
}

/** A lost connection has none, and is no answer. */
function sqlstateOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && /^[0-9A-Z]{5}$/.test(String(error.code)))
    return String(error.code)
  throw error
}

/** Quiescence: one reading in which every session that has not answered waits. A lock that is kept for a moment is no wait. */
async function settle(
  observer: Client,
  sessions: readonly SteppedSession[],
  running: ReadonlyMap<number, Promise<void>>,
): Promise<void> {
  const until = performance.now() + SETTLE_MS_MAX
  const pids = sessions.map(({ pid }) => pid)
  while (running.size > 0) {
    await Promise.race([...running.values(), new Promise((resolve) => setTimeout(resolve, POLL_MS))])
    const asked = [...running.keys()]
    if (asked.length === 0) return
    const { rows } = await observer.query<{ waiting: boolean }>({
      name: 'waiting',
      text: `select bool_and(pg_isolation_test_session_is_blocked(pid, $2)) as waiting from unnest($1::int[]) pid`,
      values: [asked.map((session) => pids[session]), pids],
    })
    if (rows[0]?.waiting === true && asked.every((session) => running.has(session))) return
    if (performance.now() > until)
      throw new Error('a session neither answers nor waits for a lock of another')
  }
}
