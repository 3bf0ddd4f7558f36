import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { openFaultOffice } from '../support/fault-office.ts'
import { makePostgres } from '../support/postgres.ts'
import { openProxy } from '../support/proxy.ts'

test('a server whose database hangs still ends when it is told to', async () => {
  const postgres = await makePostgres()
  await postgres.start()
  const proxy = await openProxy(postgres.url)
  const office = await openFaultOffice(proxy.through(postgres.url), postgres.url)
  proxy.blackHole(true)
  await Promise.all([office.order('hangs'), office.healthCode()])
  assert.equal(await office.healthCode(), '503 DATABASE_TIMEOUT')
  const ended = await Promise.race([office.stop(), delay(ENDS_MS_MAX, 'is alive')])
  assert.equal(ended, 0, office.output())
})

/** Requests, jobs and connections each have a bound of their own. */
const ENDS_MS_MAX = 45_000
