import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { ENGINES } from './support.ts'

const script = join(import.meta.dirname, 'scripts', 'profiled.ts')

const users: Readonly<Record<string, object>> = {
  light: { executor: 'constant-vus', vus: 10, duration: '5m' },
  medium: { executor: 'constant-vus', vus: 50, duration: '3m' },
  stress: { executor: 'constant-vus', vus: 200, duration: '2m' },
  spike: {
    executor: 'ramping-vus',
    startVUs: 0,
    stages: [
      { duration: '10s', target: 500 },
      { duration: '30s', target: 500 },
      { duration: '10s', target: 0 },
    ],
    gracefulRampDown: '60s',
  },
}

describe('LOAD_PROFILE takes the place of the users of a script', { concurrency: true }, () => {
  for (const { engine, name, skip } of ENGINES) {
    for (const [LOAD_PROFILE, scenario] of Object.entries(users))
      it(`${LOAD_PROFILE}: ${name}`, { skip }, async () => {
        const run = await engine.run({ script, env: { LOAD_PROFILE }, timeoutMs: 60_000 })
        const given = givenIn(run.output)
        assert.deepEqual(given.scenarios, { [LOAD_PROFILE]: { ...scenario, gracefulStop: '60s' } })
        assert.deepEqual(given.thresholds['successful_checkouts'], ['count>0'])
        assert.deepEqual(given.thresholds['unexpected_answers'], ['count==0'])
        assert.match(run.output, new RegExp(`profiled: LOAD_PROFILE=${LOAD_PROFILE}, requests to `))
      })

    it(`none leaves them: ${name}`, { skip }, async () => {
      const given = givenIn((await engine.run({ script, env: {}, timeoutMs: 60_000 })).output)
      assert.deepEqual(Object.keys(given.scenarios), ['once'])
      assert.deepEqual(given.thresholds['successful_checkouts'], ['count==50'])
    })

    const refusals = [
      [{ LOAD_PROFILE: 'heavy' }, /LOAD_PROFILE is one of light, medium, stress, soak, spike/],
      [
        { LOAD_PROFILE: 'light', STORY: 'cancel-the-event' },
        /cancel-the-event is told once: LOAD_PROFILE is for concurrent-checkout/,
      ],
    ] as const
    for (const [env, message] of refusals)
      it(`${JSON.stringify(env)} is refused: ${name}`, { skip }, async () => {
        const run = await engine.run({ script, env, timeoutMs: 60_000 })
        assert.notEqual(run.exitCode, 0)
        assert.match(run.output, message)
      })
  }
})

interface Given {
  readonly scenarios: Readonly<Record<string, unknown>>
  readonly thresholds: Readonly<Record<string, unknown>>
}

/** What the script said of its options; k6 writes quotes of a log line with a backslash. */
function givenIn(output: string): Given {
  const line = /GIVEN (\{.*\})/.exec(output)?.[1]
  assert.ok(line !== undefined, output)
  return JSON.parse(line.replaceAll('\\"', '"')) as Given
}
