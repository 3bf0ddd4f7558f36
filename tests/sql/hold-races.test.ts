import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import type pg from 'pg'
import { migrate } from '../../src/db/migrate.ts'
import { addTier, openBoxOffice } from '../support/box-office.ts'
import { type Answer, addLapsedHold, codeOf, reserveBatch, tally } from '../support/buying.ts'
import { refusalOf, SERVICE, signedIn, valueAs } from '../support/callers.ts'
import { advisory, allAt, openCrowd } from '../support/crowd.ts'
import { lawfulDatabase } from '../support/lawful-office.ts'
import { countsOf } from '../support/money.ts'

const db = await lawfulDatabase()
const { eventId } = await openBoxOffice(db)
const at = await openCrowd(db, 50)
const crowd = (count: number) => at.crowd.slice(0, count)

/** How many PostgreSQL has ended so far, once these sessions have handed in their counts. */
async function deadlocksOf(clients: readonly pg.Client[]): Promise<number> {
  await Promise.all(clients.map((client) => client.query('select pg_stat_force_next_flush()')))
  return db.value<number>('select deadlocks::int from pg_stat_database where datname = current_database()')
}

describe('holds', () => {
  it('50 buyers, one ticket: one holds it, the others are told', async () => {
    const tierId = await addTier(db, eventId, { total: 1 })
    const buyers = crowd(50)
    const answers = await allAt(
      at,
      advisory(`tier:${tierId}`),
      buyers.map((client) => () => reserveBatch(client, [tierId], 1)),
    )
    assert.deepEqual(tally(answers), { success: 1, INSUFFICIENT_TICKETS: 49 })
  })

  it('carts that name two tiers in opposite order never wait in a circle', async () => {
    const a = await addTier(db, eventId, { total: 1000 })
    const b = await addTier(db, eventId, { total: 1000 })
    const buyers = crowd(20)
    const before = await deadlocksOf(buyers)
    for (let round = 0; round < 5; round++) {
      const works = buyers.map((client, i) => () => reserveBatch(client, i % 2 === 0 ? [a, b] : [b, a], 1))
      assert.deepEqual(tally(await Promise.all(works.map((work) => work()))), { success: 20 })
    }
    assert.deepEqual(await countsOf(db, a), { sold: 0, held: 100 })
    assert.equal(await deadlocksOf(buyers), before)
  })

  it('one session twice at once: both are granted, in one hold', async () => {
    const tierId = await addTier(db, eventId)
    const works = crowd(2).map((client) => () => reserveBatch(client, [tierId], 2, 'double click'))
    assert.deepEqual(tally(await allAt(at, advisory(`tier:${tierId}`), works)), { success: 2 })
    assert.deepEqual(await db.rows('select quantity from ticket_holds where tier_id = $1', [tierId]), [
      { quantity: 4 },
    ])
  })

  it('one ticket in a lapsed hold, ten buyers: one takes it over', async () => {
    const tierId = await addTier(db, eventId, { total: 1 })
    await addLapsedHold(db, eventId, tierId, 1)
    const works = crowd(10).map((client) => () => reserveBatch(client, [tierId], 1))
    assert.deepEqual(tally(await allAt(at, advisory(`tier:${tierId}`), works)), {
      success: 1,
      INSUFFICIENT_TICKETS: 9,
    })
  })

  it('two expiry jobs beside buyers: everything that lapsed is sold again, once', async () => {
    const tierId = await addTier(db, eventId, { total: 20 })
    for (let i = 0; i < 10; i++) await addLapsedHold(db, eventId, tierId, 2)
    const [first, second, ...buyers] = crowd(12)
    const jobs = [first, second].map((client) => async (): Promise<Answer> => {
      await valueAs<number>(client as pg.Client, SERVICE, 'select expire_ticket_holds()')
      return { success: true }
    })
    const works = buyers.map((client) => () => reserveBatch(client, [tierId], 2))
    assert.deepEqual(tally(await allAt(at, advisory(`tier:${tierId}`), [...jobs, ...works])), { success: 12 })
    assert.deepEqual(await countsOf(db, tierId), { sold: 0, held: 20 })
    assert.equal(
      await db.value(`select count(*)::int from ticket_holds where tier_id = $1 and status = 'expired'`, [
        tierId,
      ]),
      10,
    )
  })

  it('a raw insert beside a verb: one of the two gets the last ticket, and neither deadlocks', async () => {
    const tierId = await addTier(db, eventId, { total: 1 })
    const [raw, verb] = crowd(2) as [pg.Client, pg.Client]
    const insert = async (): Promise<Answer> => {
      const refusal = await refusalOf(
        raw.query(
          `insert into ticket_holds (event_id, tier_id, session_id, quantity, expires_at)
           values ($1, $2, 'raw', 1, now() + interval '1 minute')`,
          [eventId, tierId],
        ),
      )
      return { success: refusal.code === 'written', error: refusal.code }
    }
    const answers = await allAt(at, advisory(`tier:${tierId}`), [
      insert,
      () => reserveBatch(verb, [tierId], 1),
    ])
    assert.equal(answers.filter((answer) => answer.success).length, 1)
    assert.match(
      codeOf(answers.find((answer) => !answer.success) as Answer),
      /^(23514|INSUFFICIENT_TICKETS)$/,
    )
  })

  it('two installers start while a verb waits: the verb answers, nothing is left half-installed', async () => {
    const tierId = await addTier(db, eventId)
    const [verb, ...installers] = crowd(3) as [pg.Client, ...pg.Client[]]
    // Installing takes table locks that a verb under way may wait for in a circle: whoever is told, may try again.
    const install = installers.map((client) => () => refusalOf(migrate(client)))
    const reserve = async () => ({ code: codeOf(await reserveBatch(verb, [tierId], 1)) })
    const [answer, ...installed] = await allAt(at, advisory(`tier:${tierId}`), [reserve, ...install], 2)
    assert.match(answer?.code ?? '', /^(success|LOCK_TIMEOUT)$/)
    for (const end of installed) assert.match(end.code, /^(written|40P01)$/)
    await migrate(db.client)
    assert.deepEqual(await db.rows('select protection from verify_protections() where not active'), [])
    assert.equal(codeOf(await reserveBatch(verb, [tierId], 1)), 'success')
  })
})

describe('above READ COMMITTED', () => {
  for (const level of ['repeatable read', 'serializable']) {
    it(`${level}: never oversold, losers get 40001, and with retries all is sold`, async () => {
      const tierId = await addTier(db, eventId, { total: 10 })
      const buyers = crowd(20)
      let conflicts = 0
      const buy = async (client: pg.Client): Promise<Answer> => {
        for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
          try {
            await client.query(`begin isolation level ${level}`)
            const answer = await reserveBatch(client, [tierId], 1)
            await client.query('commit')
            return answer
          } catch (error) {
            await client.query('rollback')
            assert.equal((error as { code?: string }).code, '40001')
            conflicts++
          }
        }
        return { success: false, error: 'out of attempts' }
      }
      assert.deepEqual(tally(await Promise.all(buyers.map(buy))), { success: 10, INSUFFICIENT_TICKETS: 10 })
      assert.ok(conflicts > 0)
    })
  }
  const ATTEMPTS_MAX = 1000

  it('a buyer whose snapshot is older than the last sale is told to retry, not sold what is gone', async () => {
    const tierId = await addTier(db, eventId, { total: 1 })
    const [early, late] = crowd(2) as [pg.Client, pg.Client]
    await early.query('begin isolation level repeatable read')
    await early.query('select count(*) from ticket_holds')
    assert.equal(codeOf(await reserveBatch(late, [tierId], 1)), 'success')
    assert.deepEqual(await refusalOf(reserveBatch(early, [tierId], 1)), { code: '40001' })
    await early.query('rollback')
  })
})

it('who holds for a user keeps others out also at the same moment', async () => {
  const tierId = await addTier(db, eventId)
  const [a, b] = crowd(2) as [pg.Client, pg.Client]
  const reserve = (client: pg.Client) => () =>
    valueAs<Answer>(client, signedIn(randomUUID()), 'select reserve_tickets_batch($1, $2)', [
      JSON.stringify([{ tier_id: tierId, quantity: 1 }]),
      'contested',
    ])
  assert.deepEqual(tally(await allAt(at, advisory(`tier:${tierId}`), [reserve(a), reserve(b)])), {
    success: 1,
    FORBIDDEN: 1,
  })
})
