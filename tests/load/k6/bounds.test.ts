import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { execPath } from 'node:process'
import { describe, it } from 'node:test'
import { findK6 } from '../../../src/load/k6/find.ts'
import { startServer } from './server.ts'
import { ENGINES } from './support.ts'

const script = join(import.meta.dirname, 'scripts', 'endless.ts')
const runner = join(import.meta.dirname, '../../../src/load/k6/runner/main.ts')
const shortMs = 1000
const longMs = 60_000
/** Shorter than the time that setup has of itself. */
const interruptMsMax = 30_000

describe('an engine that would run for ever', { concurrency: true }, () => {
  for (const { engine, name, skip } of ENGINES) {
    it(`is killed at its time limit: ${name}`, { skip }, async () => {
      await using server = await startServer()
      const run = engine.run({ script, env: { BASE_URL: server.url }, timeoutMs: shortMs })
      await assert.rejects(run, new RegExp(`did not end within ${shortMs} ms and was killed`))
    })

    it(`is killed when its caller gives up: ${name}`, { skip }, async () => {
      await using server = await startServer()
      const caller = new AbortController()
      const underWay = server.seen('/hang').then(() => caller.abort(new Error('the caller gave up')))
      const env = { BASE_URL: server.url }
      const run = engine.run({ script, env, timeoutMs: longMs, signal: caller.signal })
      await assert.rejects(run, /the caller gave up/)
      await underWay
    })

    for (const stage of ['setup', 'iteration']) {
      it(`ends with the exit code of k6 when its ${stage} is interrupted by hand: ${name}`, {
        skip,
      }, async () => {
        await using server = await startServer()
        const [program = '', ...before] =
          name === 'k6' ? [(await findK6())?.path ?? '', 'run', '--quiet'] : [execPath, runner]
        const env = ['--env', `BASE_URL=${server.url}`, '--env', `STAGE=${stage}`]
        const child = spawn(program, [...before, ...env, script], {
          stdio: 'ignore',
          timeout: interruptMsMax,
          killSignal: 'SIGKILL',
        })
        await server.seen('/hang')
        child.kill('SIGINT')
        const [exitCode] = await once(child, 'exit')
        assert.equal(exitCode, 105)
      })
    }
  }
})

describe('a k6 that was named', () => {
  it('is not replaced by another when it is not there', async () => {
    await assert.rejects(findK6('/nowhere/k6'), /^Error: \/nowhere\/k6 is not k6: give its path, "off",/)
    await assert.rejects(findK6(execPath), /is not k6/)
  })
})
