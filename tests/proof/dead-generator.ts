import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { BUILT_IN, type Engines } from '../../src/load/engine.ts'

/** What a script that threw is reported with. */
const THREW = 107

/** A load generator whose scripts throw before their first request. */
export async function throwingEngines(): Promise<Engines> {
  const folder = await mkdtemp(join(tmpdir(), 'admit-once-throws-'))
  after(() => rm(folder, { recursive: true, force: true }))
  const script = join(folder, 'throws.ts')
  await writeFile(script, `throw new Error('out of order')\nexport default function () {}\n`)
  return {
    ...BUILT_IN,
    http: { ...BUILT_IN.http, run: (options) => BUILT_IN.http.run({ ...options, script }) },
  }
}

/** A load generator that is killed while it runs: what it did is done, what it counted is lost. */
export function killedEngines(afterMs: number): Engines {
  const run: Engines['http']['run'] = async (options) => {
    const signal = AbortSignal.timeout(afterMs)
    const startedMs = performance.now()
    await BUILT_IN.http.run({ ...options, signal }).catch((error: unknown) => {
      if (!signal.aborted) throw error
    })
    return {
      engine: 'built-in',
      engineVersion: BUILT_IN.http.version,
      exitCode: THREW,
      durationMs: performance.now() - startedMs,
      metrics: {},
      thresholds: [],
      checks: [],
      generator: {
        eventLoopDelayP99Ms: null,
        cpuCores: null,
        droppedIterations: 0,
        fromIntendedStartMs: null,
      },
      timeline: [],
      output: 'killed',
    }
  }
  return { ...BUILT_IN, http: { ...BUILT_IN.http, run } }
}
