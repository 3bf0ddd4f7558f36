import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { removals, sabotage } from '../../src/proof/sabotage/sabotage.ts'
import { guaranteeNamed, openTestRun } from './support.ts'

const { databases } = await openTestRun()
const guarantee = guaranteeNamed('same-request-same-answer')

describe('guarantee 7', () => {
  for (const removal of removals([guarantee])) {
    const what = removal.kind === 'all refusing' ? 'anything that refuses' : removal.removed[0]?.name
    it(`without ${what}: ${removal.kind === 'all refusing' ? 'the law sees it' : 'it holds'}`, async () => {
      const result = await sabotage(databases, removal, 1)
      assert.equal(result.verdict, 'PASS', JSON.stringify(result, null, 1))
    })
  }

  for (const index of ['uniq_claim_request_key', 'uniq_booking_request_key', 'uniq_order_request_key'])
    it(`is caught where only what ${index} stands behind has nothing left`, async () => {
      const removed = guarantee.protections.filter(
        ({ name, kind }) => name === index || kind === 'decision' || name === 'idempotency_keys_pkey',
      )
      const result = await sabotage(databases, { guarantee, kind: 'all refusing', removed }, 1)
      assert.equal(result.verdict, 'PASS', JSON.stringify(result, null, 1))
      assert.match(JSON.stringify(result.witness), /several (claims|bookings|orders) under one key/)
    })
})
