import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import pg from 'pg'
import { migrate } from '../../src/db/migrate.ts'
import { startEmbedded } from '../../src/embedded/embedded.ts'
import { eventually } from '../../src/embedded/processes.ts'
import { overlap } from '../../src/proof/interleaving/overlap.ts'
import { takeAway } from '../../src/proof/sabotage/sabotage.ts'
import { addTier, buyTickets, openBoxOffice } from '../support/box-office.ts'
import { assertLawful, refusalOf } from '../support/callers.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { applyList, gateList, scanOnline, truth } from '../support/gates.ts'

const RESTART_MS_MAX = 30_000

const sell = async (db: TestDatabase, count: number) => {
  const { eventId } = await openBoxOffice(db)
  return { eventId, ids: await buyTickets(db, eventId, await addTier(db, eventId), count) }
}

describe('a cursor of a gate', { timeout: 120_000 }, () => {
  it('is of no use after a crash that PostgreSQL mended by itself, which gives numbers again', async (t) => {
    const scratch = await mkdtemp(join(tmpdir(), 'admit-once-lives-'))
    t.after(() => rm(scratch, { recursive: true, force: true }))
    await using cluster = await startEmbedded({ dataFolder: join(scratch, 'data'), ephemeral: true })
    const before = await standIn(cluster.url)
    await migrate(before.client)
    const { eventId, ids } = await sell(before, 1)
    const kept = new Map<string, string>()
    const list = await gateList(before.client, eventId)
    applyList(kept, list)
    assert.equal((await gateList(before.client, eventId, list.cursor)).full, false)
    const started = await before.value<string>('select pg_postmaster_start_time()::text')

    // One that is not killed is ended by the server, once it has noticed.
    const { client: witness } = await standIn(cluster.url)
    const noticed = new Promise((resolve) => witness.once('end', resolve))
    process.kill(await before.value<number>('select pg_backend_pid()'), 'SIGKILL')
    await noticed
    let after: TestDatabase | undefined
    assert.ok(
      await eventually(RESTART_MS_MAX, async () => {
        after = await standIn(cluster.url).catch(() => undefined)
        return after !== undefined
      }),
    )
    assert.ok(after)
    assert.equal(await after.value<string>('select pg_postmaster_start_time()::text'), started)
    await scanOnline(after.client, String(ids[0]), 'a')
    const next = await gateList(after.client, eventId, list.cursor)
    applyList(kept, next)
    assert.equal(next.full, true)
    assert.deepEqual(kept, await truth(after, eventId))
    assert.equal((await gateList(after.client, eventId, next.cursor)).full, false)
    await after.client.end()
  })

  it('of before a deletion gets everything; one of after it, what changed', async () => {
    const db = await testDatabase()
    const { eventId, ids } = await sell(db, 2)
    const { cursor } = await gateList(db.client, eventId)
    await db.rows('delete from tickets where false')
    assert.equal((await gateList(db.client, eventId, cursor)).full, false, 'nothing was deleted')
    await db.rows('delete from tickets where id = $1', [ids[0]])
    const kept = new Map<string, string>()
    const next = await gateList(db.client, eventId, cursor)
    applyList(kept, next)
    assert.equal(next.full, true)
    assert.deepEqual(kept, await truth(db, eventId))
    assert.equal((await gateList(db.client, eventId, next.cursor)).full, false)
  })

  /** The first list after a crash makes the life; a deletion that sees none yet must end the one that is being made. */
  const raced = async (db: TestDatabase) => {
    const { eventId, ids } = await sell(db, 2)
    await db.rows('delete from ticketing.transaction_lives')
    const [list] = await overlap(
      db,
      [await db.connect(), await db.connect()],
      (gate) => gateList(gate, eventId),
      (owner) => owner.query('delete from tickets where id = $1', [ids[0]]),
    )
    const kept = new Map<string, string>()
    for (const each of [list, await gateList(db.client, eventId, list.cursor)]) applyList(kept, each)
    assert.deepEqual(kept, await truth(db, eventId))
    await assertLawful(db)
  }
  it('that is given while a ticket is deleted hears of it', async () => raced(await testDatabase()))
  it('that is given while a ticket is deleted hears of it: the naive twin loses', async () => {
    const db = await testDatabase()
    await takeAway(db.client, {
      name: 'naive',
      role: 'guards',
      kind: 'decision',
      object: '',
      without: [
        [
          'ticketing.note_ticket_deletion',
          'insert into ticketing.transaction_lives default values on conflict (is_this) do update set id = excluded.id',
          'update ticketing.transaction_lives set id = gen_random_uuid()',
        ],
      ],
    })
    await assert.rejects(raced(db), assert.AssertionError)
  })

  it('misses no other code and no other event of a ticket: it keeps both', async () => {
    const db = await testDatabase()
    const { ids } = await sell(db, 1)
    const other = await sell(db, 1)
    for (const change of [
      `qr_code = repeat('0', 32)`,
      `event_id = '${other.eventId}', tier_id = (select tier_id from tickets where id = '${other.ids[0]}')`,
    ])
      assert.deepEqual(await refusalOf(db.rows(`update tickets set ${change} where id = $1`, [ids[0]])), {
        code: '23514',
        by: 'trg_refuse_code_change',
      })
  })
})

/** A database as tests have it, on a server of their own. */
async function standIn(url: string): Promise<TestDatabase> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  const rows = async <T extends pg.QueryResultRow>(sql: string, parameters: readonly unknown[] = []) =>
    (await client.query<T>(sql, [...parameters])).rows
  return {
    url,
    client,
    connect: () => Promise.reject(new Error('one connection is enough')),
    rows,
    value: async <T>(sql: string, parameters: readonly unknown[] = []) =>
      Object.values((await rows(sql, parameters))[0] ?? {})[0] as T,
  }
}
