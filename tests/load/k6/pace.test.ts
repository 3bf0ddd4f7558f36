import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { ENGINES } from './support.ts'

const script = join(import.meta.dirname, 'scripts', 'paced.ts')
const LOCAL = 'http://127.0.0.1:54321'
const HOSTED = 'https://abcdefghij.supabase.co'

/** What is set, and what a script then does: its limit, a bound of 60 s for 40 requests, and 500 a second of its own. */
const paces: readonly (readonly [env: Record<string, string>, given: string, says: string])[] = [
  [{ SUPABASE_URL: LOCAL }, '0,60s,500', `at most 40 requests to ${LOCAL}, as fast as it answers`],
  [{ SUPABASE_URL: LOCAL, RATE: '4' }, '4,70s,4', `at most 40 requests to ${LOCAL}, 4 a second at most`],
  [{ SUPABASE_URL: HOSTED }, '20,62s,20', `at most 40 requests to ${HOSTED}, 20 a second at most`],
  [{ SUPABASE_URL: HOSTED, RATE: '0' }, '0,60s,500', `at most 40 requests to ${HOSTED}, as fast as`],
  [{ SUPABASE_URL: LOCAL, LIKELY: '9' }, '0,60s,500', `about 9, at most 40 requests to ${LOCAL}`],
]

describe('a script says how many requests it will make, and keeps to RATE', { concurrency: true }, () => {
  for (const { engine, name, skip } of ENGINES) {
    for (const [env, given, says] of paces) {
      it(`${JSON.stringify(env)}: ${name}`, { skip }, async () => {
        const run = await engine.run({ script, env: { ...env, GIVEN: given }, timeoutMs: 30_000 })
        assert.equal(run.exitCode, 0, run.output)
        assert.ok(run.output.includes(`paced: ${says}`), run.output)
        assert.equal(run.metrics['announced_requests']?.['value'], 40)
      })
    }

    it(`a RATE that is no whole number is refused: ${name}`, { skip }, async () => {
      for (const RATE of ['-1', '0.5', 'slow']) {
        const run = await engine.run({ script, env: { RATE }, timeoutMs: 30_000 })
        assert.notEqual(run.exitCode, 0)
        assert.match(run.output, /RATE must be a whole number of requests a second/)
      }
    })
  }
})

it('every scenario does', () => {
  const files = globSync('load-tests/scenarios/*.ts')
  assert.ok(files.length > 5)
  for (const file of files) {
    const source = readFileSync(file, 'utf8')
    assert.match(source, /^ {2}\.\.\.PACE,$/m, file)
    assert.match(source, /\bannounce\('[\w-]+', requests/, file)
  }
})
