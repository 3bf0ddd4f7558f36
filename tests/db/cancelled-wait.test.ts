import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { call } from '../../src/db/call.ts'
import { DatabaseError } from '../../src/db/failures.ts'
import { openPool } from '../../src/db/pool.ts'
import { makePostgres, setStandby } from '../support/postgres.ts'

const postgres = await makePostgres()
await postgres.start()
await postgres.ask('create role authenticated')
await postgres.ask('grant pg_write_all_data to authenticated')
await postgres.ask('create table public.sales (id integer)')

const BUYER = { role: 'authenticated', claims: '{"role":"authenticated"}' }
const CANCEL = `select pg_cancel_backend(pid) from pg_stat_activity
  where wait_event = 'SyncRep' and application_name = 'cancelled'`

describe('a wait for the standby that is cancelled is no success', { concurrency: false }, () => {
  for (const role of ['nobody', 'authenticated', 'postgres']) {
    it(`where ${role} wants to hear of errors only`, async () => {
      if (role !== 'nobody') await postgres.ask(`alter role ${role} set client_min_messages = error`)
      await setStandby(postgres.ask, `''`)
      const database = await openPool(postgres.url, { max: 1, name: 'cancelled' })
      after(() => database.close())
      await setStandby(postgres.ask, `'none'`)
      try {
        const asBuyer = call(database, { caller: BUYER, sql: 'insert into public.sales values (1)' })
        assert.equal(await codeWhenCancelled(asBuyer), 'COMMIT_UNCONFIRMED')
        const asLogin = database.run('insert into public.sales values (2)')
        assert.equal(await codeWhenCancelled(asLogin), 'COMMIT_UNCONFIRMED')
      } finally {
        await setStandby(postgres.ask, `''`)
        if (role !== 'nobody') await postgres.ask(`alter role ${role} reset client_min_messages`)
      }
    })
  }
})

async function codeWhenCancelled(answer: Promise<unknown>): Promise<string> {
  const code = answer.then(
    () => 'success',
    (error: unknown) => (error instanceof DatabaseError ? error.code : String(error)),
  )
  for (const endMs = performance.now() + WAITS_MS_MAX; (await postgres.ask(CANCEL)).length === 0; ) {
    assert.ok(performance.now() < endMs, 'nothing waits')
    await delay(50)
  }
  return code
}

const WAITS_MS_MAX = 10_000
