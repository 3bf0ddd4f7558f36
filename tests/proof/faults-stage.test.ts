import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { GUARANTEES } from '../../src/core/guarantees.ts'
import { takeAway } from '../../src/proof/sabotage/sabotage.ts'
import { faultsStage } from '../../src/proof/stages/faults.ts'
import { openTestRun, runStages } from './support.ts'

const BREAKS: readonly (readonly [
  what: string,
  fn: string,
  fragment: string,
  replacement: string,
  seen: RegExp,
])[] = [
  [
    'disputes are not booked',
    'ticketing.settle_dispute',
    'if v_payment.id is null',
    'if true',
    /what is disputed differs/,
  ],
  [
    'a key is not looked at',
    'ticketing.buy',
    'v_use := ticketing.key_use',
    "v_key := null; p_request := p_request - 'idempotency_key'; v_use := ticketing.key_use",
    /one key made two orders/,
  ],
  [
    'a refund is booked and not sent',
    'ticketing.due_refunds',
    'r.ask_at <= v_now',
    'false',
    /everything comes to its end/,
  ],
]
/** Each mostly waits: for buyers who ask again, and for servers that start. */
describe('the stage of faults', { concurrency: 3 }, () => {
  it('servers die, answers and events are lost, doubled and late: every payment ends in tickets or in a refund', async () => {
    const run = await openTestRun({ profile: { chaos: { orders: 60, everything: false } } })
    const { verdict, checks, leftOut } = await runStages(run, faultsStage.name)
    assert.deepEqual(
      checks.filter((check) => check.verdict !== 'PASS'),
      [],
    )
    assert.equal(verdict, 'PASS')
    const why = 'no PostgreSQL at a DATABASE_URL is killed'
    assert.deepEqual(
      leftOut,
      ['sudden-death', 'failover', 'failover-patroni', 'random-faults'].map((name) => ({ name, why })),
    )
  })

  it('the same without what keeps a payment single: the faults are seen to break it', async () => {
    const protections = GUARANTEES.find(({ name }) => name === 'paid-once-issued-once')?.protections ?? []
    const run = await openTestRun({
      change: async (client) => {
        for (const protection of protections)
          if (protection.role === 'refuses') await takeAway(client, protection)
      },
      profile: { chaos: { orders: 40, everything: false, quietMsMax: 5_000 } },
    })
    const { verdict, checks } = await runStages(run, faultsStage.name)
    assert.equal(verdict, 'FAIL', JSON.stringify(checks))
  })

  for (const [what, fn, fragment, replacement, seen] of BREAKS) {
    it(`a box office where ${what}: FAIL`, async () => {
      const run = await openTestRun({
        change: async (client) => {
          const found = await client.query<{ source: string }>(
            'select pg_get_functiondef($1::regproc) as source',
            [fn],
          )
          const source = found.rows[0]?.source ?? ''
          assert.equal(source.split(fragment).length, 2)
          await client.query(source.replace(fragment, replacement))
        },
        profile: { chaos: { orders: 40, everything: false, quietMsMax: 5_000 } },
      })
      const { verdict, checks } = await runStages(run, faultsStage.name)
      const failed = checks.filter((check) => check.verdict === 'FAIL')
      assert.match(JSON.stringify(failed), seen)
      assert.equal(verdict, 'FAIL')
    })
  }
})
