import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { GUARANTEES } from '../../src/core/guarantees.ts'
import { takeAway } from '../../src/proof/sabotage/sabotage.ts'
import { faultsStage } from '../../src/proof/stages/faults.ts'
import { changed, FORGETS_KEYS, openTestRun, runStages } from './support.ts'

const BREAKS: readonly (readonly [
  what: string,
  edits: readonly (readonly [fn: string, fragment: string, replacement: string])[],
  seen: RegExp,
])[] = [
  [
    'disputes are not booked',
    [['ticketing.settle_dispute', 'if v_payment.id is null', 'if true']],
    /what is disputed differs/,
  ],
  ['a key is not looked at', FORGETS_KEYS, /one key made two orders/],
  [
    'a refund is booked and not sent',
    [['ticketing.due_refunds', 'r.ask_at <= v_now', 'false']],
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

  for (const [what, edits, seen] of BREAKS) {
    it(`a box office where ${what}: FAIL`, async () => {
      const run = await openTestRun({
        change: async (client) => {
          for (const edit of edits) await changed(...edit)(client)
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
