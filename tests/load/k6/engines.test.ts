import assert from 'node:assert/strict'
import { join } from 'node:path'
import { before, describe, it, type TestContext } from 'node:test'
import { findK6, type LoadRun, runScenario } from '../../../src/load/k6/run.ts'
import { startServer } from './server.ts'

/** One script with its variables, and what both engines must make of it. */
interface Story {
  readonly name: string
  readonly script: string
  readonly env?: Readonly<Record<string, string>>
  readonly exitCode: number
  readonly iterations: number | readonly [atLeast: number, atMost: number]
  /** Iterations and those dropped for want of a user, where the schedule says how many they must be. */
  readonly arrivals?: readonly [atLeast: number, atMost: number]
  /** Thresholds that must be broken; all others must hold. */
  readonly broken?: readonly string[]
  readonly failedChecks?: readonly string[]
  readonly requests?: readonly string[]
  readonly prints?: RegExp
}

const many = Number.MAX_SAFE_INTEGER

const stories: readonly Story[] = [
  {
    name: 'shared iterations are run once each',
    script: 'executors',
    env: { EXECUTOR: 'shared-iterations' },
    exitCode: 0,
    iterations: 10,
  },
  {
    name: 'every user runs its own iterations',
    script: 'executors',
    env: { EXECUTOR: 'per-vu-iterations' },
    exitCode: 0,
    iterations: 12,
  },
  {
    name: 'constant users run for a while',
    script: 'executors',
    env: { EXECUTOR: 'constant-vus' },
    exitCode: 0,
    iterations: [2, many],
  },
  {
    name: 'users come and go on a ramp',
    script: 'executors',
    env: { EXECUTOR: 'ramping-vus' },
    exitCode: 0,
    iterations: [2, many],
  },
  {
    name: 'iterations arrive at a constant rate',
    script: 'executors',
    env: { EXECUTOR: 'constant-arrival-rate' },
    exitCode: 0,
    iterations: [1, 11],
    arrivals: [10, 11],
  },
  {
    name: 'iterations arrive at a rising rate, and users are hired for them',
    script: 'executors',
    env: { EXECUTOR: 'ramping-arrival-rate' },
    exitCode: 0,
    iterations: [1, 21],
    arrivals: [19, 20],
  },
  {
    name: 'what no user was free for is dropped',
    script: 'dropping',
    exitCode: 99,
    iterations: 0,
    broken: ['dropped_iterations: count==0'],
    arrivals: [9, 10],
  },
  {
    name: 'every user has modules of its own, and shared data',
    script: 'isolation',
    exitCode: 0,
    iterations: 14,
  },
  {
    name: 'setup, iterations, teardown and summary follow each other',
    script: 'lifecycle',
    exitCode: 0,
    iterations: 4,
    requests: [
      'POST /setup',
      ...Array(4).fill('GET /first'),
      ...Array(4).fill('GET /then'),
      'DELETE /teardown/10',
    ],
    prints: /^summary of 4 iterations$/m,
  },
  {
    name: 'thresholds, tags and responses mean the same',
    script: 'outcomes',
    exitCode: 99,
    iterations: 1,
    broken: ['refused: count>5', 'waits: max<4'],
    failedChecks: ['this one fails'],
  },
  {
    name: 'signatures and digests are the same',
    script: 'signatures',
    exitCode: 0,
    iterations: 1,
  },
  {
    name: 'a failing network is an answer with status 0',
    script: 'network',
    env: { CLOSED_URL: 'http://127.0.0.1:1/' },
    exitCode: 0,
    iterations: 1,
  },
  {
    name: 'an exception ends its iteration only',
    script: 'endings',
    env: { ENDING: 'throw' },
    exitCode: 0,
    iterations: [1, many],
    prints: /boom/,
  },
  {
    name: 'a rejection nobody handles ends its iteration only',
    script: 'endings',
    env: { ENDING: 'unhandled' },
    exitCode: 0,
    iterations: [1, many],
    prints: /nobody looks/,
  },
  {
    name: 'a script aborts the test, and tears down',
    script: 'endings',
    env: { ENDING: 'abort' },
    exitCode: 108,
    iterations: 1,
    requests: ['GET /teardown'],
    prints: /test aborted: enough/,
  },
  {
    name: 'a script marks the test as failed',
    script: 'endings',
    env: { ENDING: 'fail' },
    exitCode: 110,
    iterations: [1, many],
    requests: ['GET /teardown'],
  },
  {
    name: 'a threshold aborts the test',
    script: 'endings',
    env: { ENDING: 'threshold' },
    exitCode: 99,
    iterations: [1, many],
    broken: ['bad: count==0'],
    requests: ['GET /teardown'],
  },
  {
    name: 'an exception in setup ends the test',
    script: 'endings',
    env: { ENDING: 'setup throws' },
    exitCode: 107,
    iterations: 0,
    requests: [],
    prints: /no hall/,
  },
  {
    name: 'a rejection in teardown fails the test',
    script: 'endings',
    env: { ENDING: 'teardown throws' },
    exitCode: 255,
    iterations: [1, many],
    requests: ['GET /teardown'],
    prints: /no broom/,
  },
  {
    name: 'what still runs after the graceful stop is interrupted',
    script: 'endings',
    env: { ENDING: 'interrupted' },
    exitCode: 0,
    iterations: 0,
    requests: ['GET /hang', 'GET /teardown'],
  },
  {
    name: 'a threshold on a metric that is not there is refused',
    script: 'refused',
    env: { PART: 'metric' },
    exitCode: 104,
    iterations: 0,
    requests: [],
    prints: /nobody/,
  },
  {
    name: 'a threshold that does not fit its metric is refused',
    script: 'refused',
    env: { PART: 'threshold' },
    exitCode: 104,
    iterations: 0,
    requests: [],
    prints: /p\(95\)<1/,
  },
]

const runTimeoutMs = 60_000
const storiesAtOnce = 3

describe('a k6 script', { concurrency: storiesAtOnce }, () => {
  let k6: Awaited<ReturnType<typeof findK6>>

  before(async () => {
    k6 = await findK6()
  })

  for (const story of stories) {
    it(`${story.name}, with and without k6`, async (context) => {
      const builtIn = await tell(story, 'built-in')
      if (k6 === undefined) return notRun(context)
      const real = await tell(story, 'k6')
      assert.deepEqual(
        keysOf(builtIn),
        keysOf(real),
        'both engines give the same statistics of the same metrics',
      )
      assert.deepEqual(namesOf(builtIn.checks), namesOf(real.checks))
    })
  }
})

async function tell(story: Story, engine: LoadRun['engine']): Promise<LoadRun> {
  await using server = await startServer()
  const script = join(import.meta.dirname, 'scripts', `${story.script}.ts`)
  const env = { BASE_URL: server.url, ...story.env }
  const run = await runScenario({ script, env, engine, timeoutMs: runTimeoutMs })
  judge(story, run, server.requests)
  return run
}

function notRun(context: TestContext): void {
  context.diagnostic('not run under k6: it is not on this machine')
}

function judge(story: Story, run: LoadRun, requests: readonly string[]): void {
  const told = `${run.engine}:\n${run.output}`
  const [least, most] =
    typeof story.iterations === 'number' ? [story.iterations, story.iterations] : story.iterations
  const iterations = run.metrics['iterations']?.['count'] ?? 0
  assert.equal(run.exitCode, story.exitCode, told)
  assert.ok(iterations >= least && iterations <= most, `${iterations} iterations; ${told}`)
  if (story.arrivals !== undefined) {
    const arrivals = iterations + run.generator.droppedIterations
    assert.ok(arrivals >= story.arrivals[0] && arrivals <= story.arrivals[1], `${arrivals} arrivals; ${told}`)
  }
  assert.deepEqual(brokenThresholds(run), story.broken ?? [], told)
  const failed = run.checks.filter(({ fails }) => fails > 0).map(({ name }) => name)
  assert.deepEqual(failed, story.failedChecks ?? [], told)
  if (story.requests !== undefined) assert.deepEqual([...requests].sort(), [...story.requests].sort(), told)
  if (story.prints !== undefined) assert.match(run.output, story.prints)
}

function brokenThresholds({ thresholds }: LoadRun): readonly string[] {
  return thresholds.flatMap(({ metric, threshold, ok }) => (ok ? [] : [`${metric}: ${threshold}`])).sort()
}

/** `vus` and `vus_max` are sampled each second, so a run of about a second may or may not have them. */
function keysOf({ metrics }: LoadRun): readonly string[] {
  return Object.entries(metrics)
    .filter(([name]) => !/^(vus|vus_max|dropped_iterations)$/.test(name))
    .flatMap(([name, values]) => Object.keys(values).map((statistic) => `${name} ${statistic}`))
    .sort()
}

function namesOf(checks: LoadRun['checks']): readonly string[] {
  return checks.map(({ name }) => name).sort()
}
