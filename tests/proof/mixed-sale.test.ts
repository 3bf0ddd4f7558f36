import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Client } from 'pg'
import { poolerOf } from '../../src/cli/pooler.ts'
import { BUILT_IN, findEngines } from '../../src/load/engine.ts'
import { reserveRacePooled } from '../../src/proof/scenarios/database/reserve-race.ts'
import { noPgBouncer } from '../support/pgbouncer.ts'
import { checkNamed, openTestRun, runStages, withoutRefusals } from './support.ts'

const SOLD_OUT = { mixed: { clients: 8, threads: 2, seconds: 4 } }

/** Few places, so that a short run sells them all. */
const fewPlaces = (client: Client) =>
  client.query(`
    create function cut() returns trigger language plpgsql as
      $$ begin if new.total_quantity = 500 then new.total_quantity := 30; end if; return new; end $$;
    create trigger a_cut before insert on ticket_tiers for each row execute function cut()`)

test('looks, holds and orders beside each other sell every ticket once, and say what each statement took', async () => {
  const run = await openTestRun({ only: ['mixed-sale'], profile: SOLD_OUT, change: fewPlaces })
  const database = await runStages(run, 'database')
  assert.equal(database.verdict, 'PASS', JSON.stringify(database.checks.filter((c) => c.verdict !== 'PASS')))
  const [result] = run.scenarios
  const files = result?.scripts?.map(({ file, statements }) => [file, statements.length > 0])
  assert.deepEqual(files, [
    ['database-tests/pgbench-availability.sql', true],
    ['database-tests/pgbench-holds.sql', true],
    ['database-tests/pgbench-orders.sql', true],
  ])
})

test('a mixed sale that sells more than there is is a FAIL', async () => {
  const oversold = await openTestRun({
    only: ['mixed-sale'],
    profile: SOLD_OUT,
    change: async (client) => {
      await withoutRefusals('never-oversold')(client)
      await fewPlaces(client)
    },
  })
  const database = await runStages(oversold, 'database')
  assert.equal(checkNamed(database, 'no client died').verdict, 'FAIL', 'somebody saw less than nothing left')
})

test('a mixed sale whose counters and rows differ is a FAIL with both', async () => {
  const run = await openTestRun({
    only: ['mixed-sale'],
    profile: SOLD_OUT,
    change: async (client) => {
      await fewPlaces(client)
      await client.query(`
        alter table ticket_holds disable trigger user;
        alter table tickets disable trigger user`)
    },
  })
  const counted = checkNamed(await runStages(run, 'database'), 'what is counted is what is there')
  assert.equal(counted.verdict, 'FAIL', counted.detail)
  assert.ok(counted.witness)
})

test('a race through PgBouncer is judged as one without, and says what it went through', {
  skip: noPgBouncer,
}, async () => {
  const pooler = poolerOf({ ...BUILT_IN, pooler: (await findEngines()).pooler })
  const run = await openTestRun({ only: ['reserve-race-pooled'], ...pooler })
  const database = await runStages(run, 'database')
  assert.equal(database.verdict, 'PASS', JSON.stringify(database.checks))
  assert.match(run.scenarios[0]?.engineVersion ?? '', / through PgBouncer \d/)
})

test('without PgBouncer its race is left out with the reason, and is an error where it was asked for by name', async () => {
  const whole = await openTestRun({ profile: { isWhole: true } })
  assert.equal(await reserveRacePooled.obstacle?.(whole), 'no PgBouncer was found')
  const named = await openTestRun({ only: [reserveRacePooled.name] })
  await assert.rejects(runStages(named, 'database'), /needs PgBouncer: install it/)
})
