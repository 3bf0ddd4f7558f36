import assert from 'node:assert/strict'
import { test } from 'node:test'
import { adapter } from '../../examples/adapters/admit-once.ts'
import { TARGET_PROFILES } from '../../src/proof/target/profiles.ts'
import { newHome, startOffice } from '../cli/support.ts'
import { testDatabase } from '../support/database.ts'
import { proofOf, verdictsOf } from './target-support.ts'

test('our own system passes as any other does, over HTTP alone and by the rows of its database', async () => {
  const { url: databaseUrl, client } = await testDatabase()
  const office = await startOffice({ DATABASE_URL: databaseUrl, ADMIT_ONCE_HOME: newHome() })
  try {
    const results = await proofOf(adapter, {
      urls: [office.url],
      profile: TARGET_PROFILES.quick,
      env: { SUPABASE_ANON_KEY: office.anonKey, SUPABASE_SERVICE_ROLE_KEY: office.secretKey },
      sql: async <Row extends object>(text: string, values: readonly unknown[] = []) =>
        (await client.query(text, [...values])).rows as Row[],
    })
    assert.deepEqual([results.verdict, results.reasons], ['PASS', []])
    const {
      'acknowledged-is-durable': durable,
      'paid-once-issued-once': paid,
      ...others
    } = verdictsOf(results)
    // Nobody kills it here, and its free tickets have no payments.
    assert.deepEqual([durable, paid], ['NOT SHOWN', 'NOT SHOWN'])
    assert.deepEqual([...new Set(Object.values(others))], ['PASS'])
    const rows = results.stages.find(({ title }) => title === 'Rows')
    assert.deepEqual(
      rows?.checks.map(({ verdict }) => verdict),
      ['PASS', 'PASS', 'PASS', 'PASS', 'PASS'],
    )

    // What the five checks are there for is seen.
    await client.query('alter table ticket_tiers disable trigger all')
    await client.query(
      `update ticket_tiers set reserved_quantity = reserved_quantity + 1
       where sold_quantity + reserved_quantity < total_quantity`,
    )
    const drifted = await proofOf(adapter, {
      urls: [office.url],
      scenario: 'given-up-carts',
      env: { SUPABASE_ANON_KEY: office.anonKey, SUPABASE_SERVICE_ROLE_KEY: office.secretKey },
      sql: async <Row extends object>(text: string, values: readonly unknown[] = []) =>
        (await client.query(text, [...values])).rows as Row[],
    })
    const broken = drifted.stages.flatMap(({ checks }) => checks.filter(({ verdict }) => verdict === 'FAIL'))
    assert.ok(
      broken.some(
        ({ name, witness }) => name === 'reserved is the sum of the holds' && witness !== undefined,
      ),
    )
  } finally {
    office.signal('SIGKILL')
    await office.ended
  }
})
