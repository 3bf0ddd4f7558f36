import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { execPath } from 'node:process'
import { describe, it } from 'node:test'
import { findK6, runScenario } from '../../../src/load/k6/run.ts'
import { startServer } from './server.ts'

const script = join(import.meta.dirname, 'scripts', 'endless.ts')
const runner = join(import.meta.dirname, '../../../src/load/k6/runner/main.ts')
const shortMs = 3000
const longMs = 60_000

describe('an engine that would run for ever', () => {
  for (const engine of ['built-in', 'k6'] as const) {
    it(`is killed at its time limit: ${engine}`, async (context) => {
      if (engine === 'k6' && (await findK6()) === undefined)
        return context.diagnostic('not run: k6 is not on this machine')
      await using server = await startServer()
      const run = runScenario({ script, env: { BASE_URL: server.url }, engine, timeoutMs: shortMs })
      await assert.rejects(run, new RegExp(`did not end within ${shortMs} ms and was killed`))
    })

    it(`is killed when its caller gives up: ${engine}`, async (context) => {
      if (engine === 'k6' && (await findK6()) === undefined)
        return context.diagnostic('not run: k6 is not on this machine')
      await using server = await startServer()
      const caller = new AbortController()
      const underWay = server.seen('/hang').then(() => caller.abort(new Error('the caller gave up')))
      const run = runScenario({
        script,
        env: { BASE_URL: server.url },
        engine,
        timeoutMs: longMs,
        signal: caller.signal,
      })
      await assert.rejects(run, /the caller gave up/)
      await underWay
    })
  }

  it('is not started when it cannot be found', async () => {
    assert.equal(await findK6('/nowhere/k6'), undefined)
    const run = runScenario({ script, env: {}, engine: 'k6', k6Path: '/nowhere/k6', timeoutMs: shortMs })
    await assert.rejects(run, /k6 was not found at \/nowhere\/k6/)
  })
})

describe('an engine that is interrupted by hand', () => {
  for (const engine of ['built-in', 'k6'] as const) {
    it(`ends with the exit code of k6: ${engine}`, async (context) => {
      const k6 = await findK6()
      if (engine === 'k6' && k6 === undefined) return context.diagnostic('not run: k6 is not on this machine')
      await using server = await startServer()
      const [program, ...before] = engine === 'k6' ? [k6?.path ?? '', 'run', '--quiet'] : [execPath, runner]
      const child = spawn(program, [...before, '--env', `BASE_URL=${server.url}`, script], {
        stdio: 'ignore',
      })
      await server.seen('/hang')
      child.kill('SIGINT')
      const [exitCode] = await once(child, 'exit', { signal: AbortSignal.timeout(longMs) })
      assert.equal(exitCode, 105)
    })
  }
})
