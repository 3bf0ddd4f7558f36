import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { adapter } from '../../examples/shops/adapter.ts'
import type { Results } from '../../src/proof/results.ts'
import { TARGET_PROFILES } from '../../src/proof/target/profiles.ts'
import { run } from '../cli/support.ts'
import { testDatabase } from '../support/database.ts'
import { proofOf, verdictsOf } from './target-support.ts'

describe('three shops of one API, in the quick profile', () => {
  test('that counts and then inserts: oversold, and its counter loses what it sells', async () => {
    const broken = ['never-oversold', 'same-request-same-answer', 'paid-once-issued-once', 'counter-agrees']
    const results = await caught('naive', broken)
    assert.equal(results.verdict, 'FAIL')
    assert.match(
      witnessOf(results),
      /^\d+ units in \d+ living orders, and there are \d+: orders \S+ and \S+ both got the last unit$/,
    )
  })

  test('that lets go of its lock before it works: oversold, with a counter that is right', async () => {
    const results = await caught('advisory-lock', ['never-oversold', 'same-request-same-answer'])
    const verdicts = verdictsOf(results)
    assert.equal(verdicts['counter-agrees'], 'PASS')
    assert.equal(verdicts['paid-once-issued-once'], 'PASS')
    assert.match(witnessOf(results), /both got the last unit$/)
  })

  test('that lets the database decide: a PASS, which says what nobody asked it', async () => {
    const results = await proofOfShop('sound')
    assert.deepEqual([results.verdict, results.reasons], ['PASS', []])
    assert.deepEqual(verdictsOf(results), {
      'never-oversold': 'PASS',
      'never-undersold': 'PASS',
      'holds-hold': 'NOT SHOWN',
      'same-request-same-answer': 'PASS',
      'paid-once-issued-once': 'PASS',
      'answers-are-true': 'PASS',
      'counter-agrees': 'PASS',
      'acknowledged-is-durable': 'NOT SHOWN',
    })
    assert.deepEqual(results.target?.notShown, [
      { name: 'holds-hold', why: 'the system holds nothing for an open cart' },
      { name: 'acknowledged-is-durable', why: 'the adapter has no `commands`' },
    ])
  })
})

/** One of the shops of the examples as its own process, under proof. */
async function proofOfShop(name: string): Promise<Results> {
  const { url: databaseUrl, value } = await testDatabase(null)
  const shop = run(process.execPath, [`examples/shops/${name}.ts`], { DATABASE_URL: databaseUrl, PORT: '0' })
  try {
    const [, url = ''] = await shop.printed(/open at (\S+)/)
    const results = await proofOf(adapter, { urls: [url], profile: TARGET_PROFILES.quick })
    assert.deepEqual(results.target?.leftBehind, [])
    const items = await value(`select count(*)::int from shop_${name.replace('-', '_')}.items`)
    assert.equal(items, 0, 'it is cleaned up')
    return results
  } finally {
    shop.signal('SIGKILL')
    await shop.ended
  }
}

/** A race is lost by chance: on a machine that is busy with other tests one run may not lose all of them. */
const RUNS_MAX = 4

async function caught(name: string, promises: readonly string[]): Promise<Results> {
  for (let run = 1; ; run++) {
    const results = await proofOfShop(name)
    const verdicts = verdictsOf(results)
    const missed = promises.filter((promise) => verdicts[promise] !== 'FAIL')
    if (missed.length === 0) return results
    assert.ok(run < RUNS_MAX, `${RUNS_MAX} runs did not see it: ${missed}`)
  }
}

/** What the first scenario that oversold says. */
function witnessOf({ scenarios }: Results): string {
  const checks = scenarios.flatMap((scenario) => scenario.checks)
  return (
    checks.find(({ verdict, promise }) => verdict === 'FAIL' && promise === 'never-oversold')?.detail ?? ''
  )
}
