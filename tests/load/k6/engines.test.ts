import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { HttpEngine, LoadRun } from '../../../src/load/engine.ts'
import { blockingExpectations } from './blocking-expectations.ts'
import { type Expectation, expectations } from './expectations.ts'
import { startServer } from './server.ts'
import { builtIn, k6, NO_K6 } from './support.ts'

const runTimeoutMs = 60_000
/** Most of a run is waiting: the shortest duration that k6 takes is a second. */
const runsAtOnce = 6

describe('a k6 script', { concurrency: runsAtOnce }, () => {
  for (const expectation of [...expectations, ...blockingExpectations]) {
    const underBuiltIn = Promise.withResolvers<LoadRun>()
    underBuiltIn.promise.catch(() => undefined)

    it(expectation.name, async () => {
      underBuiltIn.resolve(observe(expectation, builtIn))
      await underBuiltIn.promise
    })

    it(`${expectation.name}: the same under k6`, { skip: NO_K6 }, async () => {
      assert.ok(k6)
      const real = await observe(expectation, k6)
      const run = await underBuiltIn.promise
      assert.deepEqual(keysOf(run), keysOf(real), 'both give the same statistics of the same metrics')
      assert.deepEqual(namesOf(run.checks), namesOf(real.checks))
    })
  }
})

async function observe(expectation: Expectation, engine: HttpEngine): Promise<LoadRun> {
  await using server = await startServer()
  const script = join(import.meta.dirname, 'scripts', fileOf(expectation.script))
  const env = { BASE_URL: server.url, ...expectation.env }
  const run = await engine.run({ script, env, timeoutMs: runTimeoutMs })
  judge(expectation, run, server.requests)
  return run
}

function fileOf(script: string): string {
  return /\.[jt]s$/.test(script) ? script : `${script}.ts`
}

function judge(expectation: Expectation, run: LoadRun, requests: readonly string[]): void {
  const said = `${run.engine}:\n${run.output}`
  const { iterations: planned, arrivals: wanted } = expectation
  const [least, most] = typeof planned === 'number' ? [planned, planned] : planned
  const iterations = run.metrics['iterations']?.['count'] ?? 0
  assert.equal(run.exitCode, expectation.exitCode, said)
  assert.ok(iterations >= least && iterations <= most, `${iterations} iterations; ${said}`)
  if (wanted !== undefined) {
    const arrivals = iterations + run.generator.droppedIterations
    assert.ok(arrivals >= wanted[0] && arrivals <= wanted[1], `${arrivals} arrivals; ${said}`)
  }
  assert.deepEqual(brokenThresholds(run), expectation.broken ?? [], said)
  const failed = run.checks.filter(({ fails }) => fails > 0).map(({ name }) => name)
  assert.deepEqual(failed, expectation.failedChecks ?? [], said)
  if (expectation.requests !== undefined)
    assert.deepEqual([...requests].sort(), [...expectation.requests].sort(), said)
  if (expectation.prints !== undefined) assert.match(run.output, expectation.prints)
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
