import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it, test } from 'node:test'
import { promisify } from 'node:util'
import pg from 'pg'
import { migrate } from '../../src/db/migrate.ts'
import { addTier, openBoxOffice } from '../support/box-office.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { startSystemServer, systemBinaries } from '../support/older-server.ts'
import { serverUrl } from '../support/server.ts'
import { undone } from '../support/undone.ts'

const run = promisify(execFile)
const system = await systemBinaries()
const folder = await mkdtemp(join(tmpdir(), 'admit-once-dump-'))
after(() => rm(folder, { recursive: true }))

describe('what PostgreSQL says of a definition, read in again, is said in the same words', () => {
  // As pg_dump writes it and psql reads it, and on the newest PostgreSQL too, where pg_dump may be missing. A row-wise
  // IS DISTINCT FROM, for one, comes back as other text.
  const KINDS: Readonly<Record<string, readonly [definitions: string, again: string]>> = {
    triggers: [
      `select t.tgname as name, t.tgrelid::regclass::text as relation, pg_get_triggerdef(t.oid) as definition
       from pg_trigger t join pg_proc f on f.oid = t.tgfoid
       where not t.tgisinternal and f.pronamespace = 'ticketing'::regnamespace`,
      'drop trigger %name on %relation; %definition',
    ],
    constraints: [
      `select k.conname as name, k.conrelid::regclass::text as relation, pg_get_constraintdef(k.oid) as definition
       from pg_constraint k join pg_class c on c.oid = k.conrelid
       where k.contype = 'c' and c.relnamespace in ('public'::regnamespace, 'ticketing'::regnamespace)`,
      'alter table %relation drop constraint %name; alter table %relation add constraint %name %definition',
    ],
    domains: [
      `select k.conname as name, k.contypid::regtype::text as relation, pg_get_constraintdef(k.oid) as definition
       from pg_constraint k where k.contypid <> 0 and k.contype = 'c' and k.connamespace = 'ticketing'::regnamespace`,
      'alter domain %relation drop constraint %name; alter domain %relation add constraint %name %definition',
    ],
    laws: [
      `select c.relname as name, c.oid::regclass::text as relation, pg_get_viewdef(c.oid) as definition
       from pg_class c where c.relkind = 'v' and c.relnamespace = 'ticketing'::regnamespace`,
      'create or replace view %relation as %definition',
    ],
    policies: [
      `select p.polname as name, p.polrelid::regclass::text as relation, pg_get_expr(p.polqual, p.polrelid) as definition
       from pg_policy p where p.polqual is not null`,
      'alter policy %name on %relation using (%definition)',
    ],
    indexes: [
      `select c.relname as name, 'public' as relation, pg_get_indexdef(i.indexrelid) as definition
       from pg_index i join pg_class c on c.oid = i.indexrelid
       where c.relnamespace = 'public'::regnamespace and not exists (select from pg_constraint k where k.conindid = i.indexrelid)`,
      'drop index %relation.%name; %definition',
    ],
  }
  for (const [kind, [definitions, again]] of Object.entries(KINDS))
    it(kind, async () => {
      const db = await testDatabase()
      await undone(db, async (client) => {
        // As pg_dump has it, so that names are written out.
        await client.query(`set local search_path = ''`)
        const { rows: before } =
          await client.query<Record<'name' | 'relation' | 'definition', string>>(definitions)
        assert.ok(before.length > 0)
        for (const row of before)
          await client.query(again.replaceAll(/%(\w+)/g, (_, name: 'name') => row[name]))
        const { rows: afterwards } = await client.query(definitions)
        assert.deepEqual(byName(afterwards), byName(before))
      })
    })
})

const byName = (rows: readonly object[]) => rows.map((row) => JSON.stringify(row)).sort()

/** Sells a little, so that a dump has something to carry. */
async function sell(client: pg.Client): Promise<string> {
  const db = {
    client,
    rows: async (sql: string, values: readonly unknown[] = []) => (await client.query(sql, [...values])).rows,
    value: async (sql: string, values: readonly unknown[] = []) =>
      Object.values((await client.query(sql, [...values])).rows[0] ?? {})[0],
  } as unknown as TestDatabase
  const { eventId } = await openBoxOffice(db)
  const tierId = await addTier(db, eventId)
  await client.query('select reserve_tickets_atomically($1, 2)', [tierId])
  await client.query('select ticketing.checkout($1)', [
    {
      event: eventId,
      items: [{ tier: tierId, quantity: 1 }],
      customer_name: 'A',
      customer_email: 'a@b.example',
    },
  ])
  return tierId
}

/** A new database on a server; dropped when the file is done. */
async function freshDatabase(server: string): Promise<string> {
  const name = `restored_${randomUUID().replaceAll('-', '')}`
  const onServer = async (sql: string) => {
    const client = new pg.Client({ connectionString: server })
    await client.connect()
    await client.query(sql).finally(() => client.end())
  }
  await onServer(`create database ${name}`)
  // What stands on a server of this file's own goes with it.
  if (server === serverUrl()) after(() => onServer(`drop database if exists ${name} with (force)`))
  return Object.assign(new URL(server), { pathname: `/${name}` }).href
}

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  return work(client).finally(() => client.end())
}

/** What was sold is there, no law is broken, every protection works, and the next buyer is served. */
async function assertRestored(url: string, tierId: string): Promise<void> {
  await withClient(url, async (client) => {
    const rows = async (sql: string) => (await client.query(sql)).rows
    assert.deepEqual(
      await rows('select protection, object, detail from verify_protections() where not active'),
      [],
    )
    assert.deepEqual(await rows('select law from ticketing.broken_laws()'), [])
    const [tier] = await rows(
      `select sold_quantity, reserved_quantity from ticket_tiers where id = '${tierId}'`,
    )
    assert.deepEqual(tier, { sold_quantity: 1, reserved_quantity: 2 })
    const [answer] = await rows(`select reserve_tickets_atomically('${tierId}', 7) as answer`)
    assert.equal(answer.answer.success, true)
    const [refused] = await rows(`select reserve_tickets_atomically('${tierId}', 1) as answer`)
    assert.equal(refused.answer.error, 'INSUFFICIENT_TICKETS')
  })
}

const skip = system === undefined ? 'no PostgreSQL with pg_dump of the system' : false

test('pg_dump, then psql or pg_restore: verify is clean and selling goes on, on a newer major too', {
  skip,
}, async (t) => {
  if (system === undefined) return
  const tool = (name: string) => join(system.native, 'bin', name)
  const older = await startSystemServer(system)
  const source = await freshDatabase(older)
  const tierId = await withClient(source, async (client) => {
    await migrate(client)
    return sell(client)
  })
  const plain = join(folder, 'plain.sql')
  const custom = join(folder, 'custom.dump')
  await run(tool('pg_dump'), ['-f', plain, source])
  await run(tool('pg_dump'), ['-Fc', '-f', custom, source])
  const fromPlain = (url: string) => run(tool('psql'), ['-q', '-v', 'ON_ERROR_STOP=1', '-f', plain, url])
  const fromCustom = (url: string, ...options: readonly string[]) =>
    run(tool('pg_restore'), ['--exit-on-error', ...options, '-d', url, custom])
  const isReady = async (url: string) => {
    await assertRestored(url, tierId)
    // A dump of what was restored is a dump as well.
    await withClient(url, async (client) => {
      await migrate(client)
      assert.deepEqual((await client.query('select from verify_protections() where not active')).rows, [])
    })
  }
  for (const [server, into] of [
    ['the same server', older],
    ['the server of these tests', serverUrl()],
  ] as const)
    for (const [format, restore] of Object.entries({ plain: fromPlain, custom: fromCustom }))
      await t.test(`${format}, into ${server}`, async () => {
        const url = await freshDatabase(into)
        await restore(url)
        await isReady(url)
      })
  await t.test('custom, under another owner, who is who connects', async () => {
    await withClient(older, (client) => client.query('create role restorer superuser login'))
    const url = Object.assign(new URL(await freshDatabase(older)), { username: 'restorer' }).href
    await fromCustom(url, '--no-owner')
    await withClient(url, async (client) => {
      const { rows } = await client.query(
        `select distinct relowner::regrole::text as owner from pg_class where relnamespace = 'ticketing'::regnamespace`,
      )
      assert.deepEqual(rows, [{ owner: 'restorer' }])
    })
    await isReady(url)
  })
})
