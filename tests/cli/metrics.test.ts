import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { makePostgres } from '../support/postgres.ts'
import { admitOnce, newHome, startOffice } from './support.ts'

const TOKEN = 'of-the-scraper-alone'
const HAPPENS_MS_MAX = 60_000

const primary = await makePostgres()
await primary.start()
const env = { ADMIT_ONCE_HOME: newHome(), DATABASE_URL: primary.url, METRICS_TOKEN: TOKEN }
await admitOnce(['migrate'], env)
await primary.stop()
const standby = await primary.copy()
await primary.start()
await standby.start({
  primary_conninfo: `host=127.0.0.1 port=${primary.port} user=postgres application_name=standby-of-test`,
})
const office = await startOffice(env)
after(async () => {
  office.signal('SIGTERM')
  await office.ended
})

const scrape = async () => {
  const response = await fetch(`${office.url}/metrics`, { headers: { authorization: `Bearer ${TOKEN}` } })
  assert.equal(response.status, 200)
  return response.text()
}

/** Scrapes until there is a line like this, and gives it. */
async function line(like: RegExp): Promise<string> {
  const endMs = performance.now() + HAPPENS_MS_MAX
  for (;;) {
    const text = await scrape()
    const found = text.split('\n').find((one) => like.test(one))
    if (found !== undefined) return found
    assert.ok(performance.now() < endMs, `no line is like ${like}\n${text}`)
    await delay(300)
  }
}

describe('metrics of a started server', () => {
  it('has every pool by the name of its lane', async () => {
    for (const pool of ['buyers', 'pages', 'gates', 'webhooks', 'health']) {
      await line(new RegExp(`^admit_once_pool_connections_max\\{pool="${pool}"\\} [1-9]`))
    }
  })

  it('has every job, and when it last succeeded', async () => {
    for (const name of ['expire orders', 'expire holds', 'cancel events', 'reconcile', 'refund']) {
      await line(new RegExp(`^admit_once_job_rounds_total\\{name="${name}",outcome="success"\\} [1-9]`))
      const at = await line(new RegExp(`^admit_once_job_last_success_timestamp_seconds\\{name="${name}"\\}`))
      assert.ok(Math.abs(Number(at.split(' ').at(-1)) - Date.now() / 1000) < 60, at)
    }
  })

  it('has each standby, and how far it is behind', async () => {
    const bytes = await line(/^admit_once_standby_lag_bytes\{standby="standby-of-test"\}/)
    assert.ok(Number(bytes.split(' ').at(-1)) >= 0, bytes)
    await line(/^admit_once_standby_lag_seconds\{standby="standby-of-test"\}/)
  })

  it('has each slot, and the WAL that is kept for it', async () => {
    await primary.ask(`select pg_create_physical_replication_slot('left_behind', true)`)
    await line(/^admit_once_replication_slot_active\{slot="left_behind"\} 0$/)
    await primary.ask('create table ballast as select generate_series(1, 50000) as n')
    await line(/^admit_once_replication_slot_lag_bytes\{slot="left_behind"\} [1-9]\d{6,}$/)
    await primary.ask(`select pg_drop_replication_slot('left_behind')`)
  })

  it('a database that is gone leaves what the process knows, and no number of before', async () => {
    await line(/^admit_once_database_up 1$/)
    await primary.kill()
    await line(/^admit_once_database_up 0$/)
    const text = await scrape()
    assert.doesNotMatch(text, /^admit_once_(standby_lag_bytes|protections|database_connections)[{ ]/m)
    assert.match(text, /^process_resident_memory_bytes \d/m)
    await line(/^admit_once_database_errors_total\{code="(UNREACHABLE|CONNECTION_LOST)"\} [1-9]/)
    await line(/^admit_once_job_rounds_total\{name="expire holds",outcome="failure"\} [1-9]/)
    await primary.start()
    await line(/^admit_once_database_up 1$/)
  })
})
