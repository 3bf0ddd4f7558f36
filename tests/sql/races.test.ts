import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { afterEach, describe, it } from 'node:test'
import type pg from 'pg'
import { migrate } from '../../src/db/migrate.ts'
import { untilWaiting } from '../../src/proof/interleaving/lock-waits.ts'
import { addTier, buyTickets, openBoxOffice } from '../support/box-office.ts'
import { assertLawful, refusalOf, SERVICE, signedIn, valueAs } from '../support/callers.ts'
import { testDatabase } from '../support/database.ts'

interface Answer {
  readonly success: boolean
  readonly error?: string
  readonly error_code?: string
  readonly order_id?: string
  readonly replayed?: boolean
  readonly already_issued?: boolean
}

const db = await testDatabase()
const { businessId, eventId, staffId } = await openBoxOffice(db)
const clients: pg.Client[] = []
const gate = await db.connect()

afterEach(() => assertLawful(db))

/** Connections 1 to `count` of this file; each runs one statement at a time. */
async function crowd(count: number): Promise<pg.Client[]> {
  while (clients.length < count) clients.push(await db.connect())
  return clients.slice(0, count)
}

/** Runs `works` so that all of them have come as far as the lock of `key` before any goes on. */
async function allAt<T>(
  key: string,
  works: readonly (() => Promise<T>)[],
  waiting = works.length,
): Promise<T[]> {
  await gate.query('begin')
  await gate.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [key])
  const answers = Promise.all(works.map((work) => work()))
  try {
    await untilWaiting(db, waiting)
  } finally {
    await gate.query('commit')
  }
  return answers
}

const ask = async (client: pg.Client, sql: string, values: readonly unknown[] = []): Promise<Answer> =>
  Object.values((await client.query(sql, [...values])).rows[0] ?? {})[0] as Answer

const code = (answer: Answer) =>
  answer.success ? 'success' : (answer.error_code ?? answer.error ?? 'no code')

function tally(answers: readonly Answer[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const answer of answers) counts[code(answer)] = (counts[code(answer)] ?? 0) + 1
  return counts
}

const batch = (
  client: pg.Client,
  tierIds: readonly string[],
  quantity: number,
  session: string | null = null,
) =>
  ask(client, 'select reserve_tickets_batch($1, $2)', [
    JSON.stringify(tierIds.map((tier_id) => ({ tier_id, quantity }))),
    session,
  ])

const checkout = (client: pg.Client, tierId: string, quantity: number, key?: string) =>
  ask(client, 'select ticketing.checkout($1)', [
    JSON.stringify({
      event: eventId,
      items: [{ tier: tierId, quantity }],
      customer_name: 'Ada',
      customer_email: 'ada@example.org',
      idempotency_key: key,
    }),
  ])

const lapsed = (tierId: string, quantity: number) =>
  db.rows(
    `insert into ticket_holds (event_id, tier_id, session_id, quantity, expires_at)
     values ($1, $2, gen_random_uuid()::text, $3, now() - interval '1 minute')`,
    [eventId, tierId, quantity],
  )

const tierOf = (id: string) =>
  db.rows('select sold_quantity as sold, reserved_quantity as held from ticket_tiers where id = $1', [id])

const deadlocks = () =>
  db.value<number>(
    'select pg_stat_clear_snapshot(), deadlocks::int from pg_stat_database where datname = current_database()',
  )

describe('holds', () => {
  it('50 buyers, one ticket: one holds it, the others are told', async () => {
    const tierId = await addTier(db, eventId, { total: 1 })
    const buyers = await crowd(50)
    const answers = await allAt(
      `tier:${tierId}`,
      buyers.map((client) => () => batch(client, [tierId], 1)),
    )
    assert.deepEqual(tally(answers), { success: 1, INSUFFICIENT_TICKETS: 49 })
  })

  it('carts that name two tiers in opposite order never wait in a circle', async () => {
    const a = await addTier(db, eventId, { total: 1000 })
    const b = await addTier(db, eventId, { total: 1000 })
    const buyers = await crowd(20)
    const before = await deadlocks()
    for (let round = 0; round < 5; round++) {
      const works = buyers.map((client, i) => () => batch(client, i % 2 === 0 ? [a, b] : [b, a], 1))
      assert.deepEqual(tally(await Promise.all(works.map((work) => work()))), { success: 20 })
    }
    assert.deepEqual(await tierOf(a), [{ sold: 0, held: 100 }])
    assert.equal(await deadlocks(), before)
  })

  it('one session twice at once: both are granted, in one hold', async () => {
    const tierId = await addTier(db, eventId)
    const works = (await crowd(2)).map((client) => () => batch(client, [tierId], 2, 'double click'))
    assert.deepEqual(tally(await allAt(`tier:${tierId}`, works)), { success: 2 })
    assert.deepEqual(await db.rows('select quantity from ticket_holds where tier_id = $1', [tierId]), [
      { quantity: 4 },
    ])
  })

  it('one ticket in a lapsed hold, ten buyers: one takes it over', async () => {
    const tierId = await addTier(db, eventId, { total: 1 })
    await lapsed(tierId, 1)
    const works = (await crowd(10)).map((client) => () => batch(client, [tierId], 1))
    assert.deepEqual(tally(await allAt(`tier:${tierId}`, works)), { success: 1, INSUFFICIENT_TICKETS: 9 })
  })

  it('two expiry jobs beside buyers: everything that lapsed is sold again, once', async () => {
    const tierId = await addTier(db, eventId, { total: 20 })
    for (let i = 0; i < 10; i++) await lapsed(tierId, 2)
    const [first, second, ...buyers] = await crowd(12)
    const jobs = [first, second].map((client) => async (): Promise<Answer> => {
      await valueAs<number>(client as pg.Client, SERVICE, 'select expire_ticket_holds()')
      return { success: true }
    })
    const works = buyers.map((client) => () => batch(client, [tierId], 2))
    assert.deepEqual(tally(await allAt(`tier:${tierId}`, [...jobs, ...works])), { success: 12 })
    assert.deepEqual(await tierOf(tierId), [{ sold: 0, held: 20 }])
    assert.equal(
      await db.value(`select count(*)::int from ticket_holds where tier_id = $1 and status = 'expired'`, [
        tierId,
      ]),
      10,
    )
  })

  it('a raw insert beside a verb: one of the two gets the last ticket, and neither deadlocks', async () => {
    const tierId = await addTier(db, eventId, { total: 1 })
    const [raw, verb] = (await crowd(2)) as [pg.Client, pg.Client]
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
    const answers = await allAt(`tier:${tierId}`, [insert, () => batch(verb, [tierId], 1)])
    assert.equal(answers.filter((answer) => answer.success).length, 1)
    assert.match(code(answers.find((answer) => !answer.success) as Answer), /^(23514|INSUFFICIENT_TICKETS)$/)
  })

  it('two installers start while a verb waits: the verb answers, nothing is left half-installed', async () => {
    const tierId = await addTier(db, eventId)
    const [verb, ...installers] = (await crowd(3)) as [pg.Client, ...pg.Client[]]
    // Installing takes table locks that a verb under way may wait for in a circle: whoever is told, may try again.
    const install = installers.map((client) => () => refusalOf(migrate(client)))
    const reserve = async () => ({ code: code(await batch(verb, [tierId], 1)) })
    const [answer, ...installed] = await allAt(`tier:${tierId}`, [reserve, ...install], 2)
    assert.match(answer?.code ?? '', /^(success|LOCK_TIMEOUT)$/)
    for (const end of installed) assert.match(end.code, /^(written|40P01)$/)
    await migrate(db.client)
    assert.deepEqual(await db.rows('select protection from verify_protections() where not active'), [])
    assert.equal(code(await batch(verb, [tierId], 1)), 'success')
  })
})

describe('one key, many requests', () => {
  it('the retries of who won the last ticket get that order, and are never told sold out', async () => {
    const tierId = await addTier(db, eventId, { total: 1 })
    const everybody = await crowd(20)
    const works = everybody.map(
      (client, i) => () => checkout(client, tierId, 1, i < 10 ? 'last one' : undefined),
    )
    const answers = await allAt(`tier:${tierId}`, works)
    const [retries, others] = [answers.slice(0, 10), answers.slice(10)]
    const won = retries.some((answer) => answer.success)
    assert.deepEqual(tally(retries), won ? { success: 10 } : { INSUFFICIENT_TICKETS: 10 })
    assert.deepEqual(
      tally(others),
      won ? { INSUFFICIENT_TICKETS: 10 } : { success: 1, INSUFFICIENT_TICKETS: 9 },
    )
    assert.equal(new Set(retries.map((answer) => answer.order_id)).size, 1)
  })

  it('the first of the retries wins the last ticket: all ten have it', async () => {
    const tierId = await addTier(db, eventId, { total: 1 })
    const works = (await crowd(10)).map((client) => () => checkout(client, tierId, 1, 'ten times'))
    const answers = await allAt(`tier:${tierId}`, works)
    assert.deepEqual(tally(answers), { success: 10 })
    assert.equal(answers.filter((answer) => answer.replayed).length, 9)
    assert.deepEqual(await tierOf(tierId), [{ sold: 1, held: 0 }])
  })

  it('another request under the key of one that is under way is refused', async () => {
    const tierId = await addTier(db, eventId)
    const works = (await crowd(2)).map((client, i) => () => checkout(client, tierId, i + 1, 'same key'))
    assert.deepEqual(tally(await allAt(`tier:${tierId}`, works)), { success: 1, IDEMPOTENCY_KEY_REUSED: 1 })
  })

  it('above READ COMMITTED who cannot see the winner under its key is told to retry, and then gets its answer', async () => {
    const [winner, loser] = (await crowd(2)) as [pg.Client, pg.Client]
    const [a, b] = [await addTier(db, eventId), await addTier(db, eventId)]
    await loser.query('begin isolation level repeatable read')
    await loser.query('select count(*) from orders')
    const won = await checkout(winner, a, 1, 'unseen')
    assert.deepEqual(await refusalOf(checkout(loser, b, 1, 'unseen')), { code: '40001' })
    await loser.query('rollback')
    assert.equal((await checkout(loser, a, 1, 'unseen')).order_id, won.order_id)
  })

  it('ten workers issue one paid order: its tickets exist once', async () => {
    const tierId = await addTier(db, eventId, { total: 3 })
    const orderId = await db.value<string>(
      `with o as (insert into orders (event_id, session_id, status, currency, total_cents, customer_email, customer_name)
                  values ($1, 's', 'paid', 'EUR', 0, 'a@b', 'A') returning id)
       insert into order_items (order_id, event_id, tier_id, quantity, unit_price_cents)
       select id, $1, $2, 3, 0 from o returning order_id`,
      [eventId, tierId],
    )
    const workers = await crowd(10)
    const claims = await allAt(
      `order:${orderId}`,
      workers.map((client) => async () => ({
        success: await valueAs<boolean>(client, SERVICE, 'select claim_order_ticketing($1)', [orderId]),
      })),
    )
    assert.equal(claims.filter((claim) => claim.success).length, 1)
    const issued = await allAt(
      `order:${orderId}`,
      workers.map((client) => () => ask(client, 'select issue_order_tickets($1)', [orderId])),
    )
    assert.equal(issued.filter((answer) => answer.already_issued === false).length, 1)
    assert.deepEqual(tally(issued), { success: 10 })
    assert.deepEqual(await tierOf(tierId), [{ sold: 3, held: 0 }])
  })
})

describe('gates', () => {
  const lockTicket = (id: string) => gate.query('select from tickets where id = $1 for update', [id])

  /** As allAt, at the row of a ticket. */
  async function allAtTicket<T>(id: string, works: readonly (() => Promise<T>)[]): Promise<T[]> {
    await gate.query('begin')
    await lockTicket(id)
    const answers = Promise.all(works.map((work) => work()))
    try {
      await untilWaiting(db, works.length)
    } finally {
      await gate.query('commit')
    }
    return answers
  }

  it('two gates, one ticket, ten times: one opens, the other says already', async () => {
    const tickets = await buyTickets(db, eventId, await addTier(db, eventId), 10)
    const [north, south] = (await crowd(2)) as [pg.Client, pg.Client]
    for (const id of tickets) {
      const scan = (client: pg.Client) => async () =>
        (await client.query('select success, already_scanned from scan_ticket_atomic($1, $2)', [id, staffId]))
          .rows[0]
      const answers = await allAtTicket(id, [scan(north), scan(south)])
      assert.deepEqual(answers.map((answer) => answer.success).sort(), [false, true])
      assert.deepEqual(answers.map((answer) => answer.already_scanned).sort(), [false, true])
    }
  })

  it('six gates come back online at once with one ticket: the earliest scan has it', async () => {
    const [id] = await buyTickets(db, eventId, await addTier(db, eventId), 1)
    const made = await db.value<Date>('select created_at from tickets where id = $1', [id])
    const works = (await crowd(6)).map((client, i) => async () => {
      const at = new Date(made.getTime() + 1 + ((i * 5) % 6))
      return client.query('select * from sync_offline_scan($1, $2, $3, $4)', [
        id,
        staffId,
        at,
        `gate ${(i * 5) % 6}`,
      ])
    })
    await allAtTicket(String(id), works)
    assert.deepEqual(
      await db.rows('select device_id from scan_logs where ticket_id = $1 and scan_success', [id]),
      [{ device_id: 'gate 0' }],
    )
    assert.equal(await db.value('select count(*)::int from scan_logs where ticket_id = $1', [id]), 6)
  })
})

describe('offers and slots', () => {
  it('the last place of an offer, twenty parties: one has it', async () => {
    const id = await db.value<string>(
      `insert into discounts (business_id, title, total_people) values ($1, 'Offer', 3) returning id`,
      [businessId],
    )
    const works = (await crowd(20)).map(
      (client) => () => ask(client, 'select claim_offer_spots_atomically($1, 2)', [id]),
    )
    assert.deepEqual(tally(await allAt(`offer:${id}`, works)), { success: 1, INSUFFICIENT_SPOTS: 19 })
  })

  const house = (capacity: number) =>
    db.value<string>(
      `with b as (insert into businesses (slug, name) values ('r-' || left(gen_random_uuid()::text, 8), 'R') returning id)
       insert into slots (business_id, weekday, time_from, time_to, capacity, max_party_size)
       select id, 5, '19:00', '22:00', $1, 10 from b returning business_id`,
      [capacity],
    )
  const book = (client: pg.Client, at: string, party: number) =>
    ask(client, `select book_slot_atomically($1, '2083-01-01', '19:30', $2, 'Ada')`, [at, party])

  it('the last covers of an evening, twenty parties: one sits', async () => {
    const at = await house(3)
    const slot = await db.value<string>('select id from slots where business_id = $1', [at])
    const works = (await crowd(20)).map((client) => () => book(client, at, 2))
    assert.deepEqual(tally(await allAt(`slot:${slot}:2083-01-01`, works)), { success: 1, SLOT_FULL: 19 })
  })

  it('a slot is made smaller beside its first booking: the party is judged by the new size', async () => {
    const at = await house(10)
    const [guest] = (await crowd(1)) as [pg.Client]
    await gate.query('begin')
    await gate.query('update slots set capacity = 1 where business_id = $1', [at])
    const answer = book(guest, at, 2)
    await untilWaiting(db, 1)
    await gate.query('commit')
    assert.equal(code(await answer), 'SLOT_FULL')
  })

  it('a slot is deleted beside a booking: there is no table at that time', async () => {
    const at = await house(10)
    const [guest] = (await crowd(1)) as [pg.Client]
    await gate.query('begin')
    await gate.query('delete from slots where business_id = $1', [at])
    const answer = book(guest, at, 2)
    await untilWaiting(db, 1)
    await gate.query('commit')
    assert.equal(code(await answer), 'TIME_NOT_IN_SLOT')
  })
})

describe('a lock that does not come', async () => {
  const tierId = await addTier(db, eventId)
  const paid = await addTier(db, eventId)
  const [ticketId] = await buyTickets(db, eventId, paid, 1)
  const orderId = await db.value<string>('select order_id from tickets where id = $1', [ticketId])
  const offerId = await db.value<string>(
    `insert into discounts (business_id, title, total_people) values ($1, 'Offer', 3) returning id`,
    [businessId],
  )
  const slotId = await db.value<string>(
    `insert into slots (business_id, weekday, time_from, time_to, capacity, max_party_size)
     values ($1, 5, '19:00', '22:00', 9, 10) returning id`,
    [businessId],
  )
  await batch(db.client, [tierId], 1, 'waits')
  const cart = JSON.stringify([{ tier_id: tierId, quantity: 1 }])
  const order = JSON.stringify({
    event: eventId,
    items: [{ tier: tierId, quantity: 1 }],
    customer_name: 'A',
    customer_email: 'a@b',
    idempotency_key: 'waits',
  })
  const advisory = (key: string) => `select pg_advisory_xact_lock(hashtextextended('${key}', 0))`
  const row = (table: string, id: string) => `select from ${table} where id = '${id}' for update`
  const tierKey = advisory(`tier:${tierId}`)
  const tierRow = row('ticket_tiers', tierId)
  const verbs: readonly [string, string, readonly unknown[], string][] = [
    [
      'reserve_tickets_atomically, at the tier',
      'select reserve_tickets_atomically($1, 1)',
      [tierId],
      tierKey,
    ],
    ['reserve_tickets_atomically, at its row', 'select reserve_tickets_atomically($1, 1)', [tierId], tierRow],
    ['reserve_tickets_batch, at the tier', 'select reserve_tickets_batch($1)', [cart], tierKey],
    ['reserve_tickets_batch, at its row', 'select reserve_tickets_batch($1)', [cart], tierRow],
    ['extend_ticket_holds', `select extend_ticket_holds('waits', 1)`, [], tierKey],
    ['release_ticket_holds', `select release_ticket_holds('waits')`, [], tierRow],
    ['checkout, at its key', 'select ticketing.checkout($1)', [order], advisory('key:service:waits')],
    ['checkout, at the tier', 'select ticketing.checkout($1)', [order], tierKey],
    [
      'issue_order_tickets, at the order',
      'select issue_order_tickets($1)',
      [orderId],
      advisory(`order:${orderId}`),
    ],
    ['issue_order_tickets, at its row', 'select issue_order_tickets($1)', [orderId], row('orders', orderId)],
    [
      'atomic_ticket_checkin',
      'select atomic_ticket_checkin($1, null)',
      [ticketId],
      row('tickets', String(ticketId)),
    ],
    [
      'scan_ticket_atomic',
      `select jsonb_build_object('success', success, 'error', case when error_message like 'Server busy%' then 'LOCK_TIMEOUT' end)
       from scan_ticket_atomic($1, null)`,
      [ticketId],
      row('tickets', String(ticketId)),
    ],
    [
      'sync_offline_scan',
      `select jsonb_build_object('success', success, 'error', case when error_message like 'Server busy%' then 'LOCK_TIMEOUT' end)
       from sync_offline_scan($1, null, now())`,
      [ticketId],
      row('tickets', String(ticketId)),
    ],
    [
      'claim_offer_spots_atomically',
      'select claim_offer_spots_atomically($1, 1)',
      [offerId],
      advisory(`offer:${offerId}`),
    ],
    [
      'claim_offer_spots_atomically, at its row',
      'select claim_offer_spots_atomically($1, 1)',
      [offerId],
      row('discounts', offerId),
    ],
    [
      'book_slot_atomically',
      `select book_slot_atomically($1, '2083-01-01', '19:30', 1, 'Ada')`,
      [businessId],
      advisory(`slot:${slotId}:2083-01-01`),
    ],
    [
      'book_slot_atomically, at its row',
      `select book_slot_atomically($1, '2083-01-01', '19:30', 1, 'Ada')`,
      [businessId],
      row('slots', slotId),
    ],
  ]
  const raising: readonly [string, string, readonly unknown[], string][] = [
    ['release_tickets', 'select release_tickets($1, 1)', [tierId], tierKey],
    ['release_offer_spots', 'select release_offer_spots($1, 1)', [offerId], advisory(`offer:${offerId}`)],
  ]

  /** The budget is four fifths of this, so that the answer comes before PostgreSQL cancels the statement. */
  const STATEMENT_TIMEOUT = '400ms'

  async function whileLocked<T>(lock: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
    const [client] = (await crowd(1)) as [pg.Client]
    await gate.query('begin')
    await gate.query(lock)
    await client.query(`set statement_timeout = '${STATEMENT_TIMEOUT}'`)
    try {
      return await work(client)
    } finally {
      await gate.query('commit')
      await client.query('reset statement_timeout')
      assert.equal((await client.query('show lock_timeout')).rows[0].lock_timeout, '0')
    }
  }

  for (const [what, sql, values, lock] of verbs) {
    it(`${what}: answers LOCK_TIMEOUT before the statement is cancelled`, async () => {
      assert.equal(code(await whileLocked(lock, (client) => ask(client, sql, values))), 'LOCK_TIMEOUT')
    })
  }
  for (const [what, sql, values, lock] of raising) {
    it(`${what}: raises PT503, having no answer`, async () => {
      assert.deepEqual(await refusalOf(whileLocked(lock, (client) => ask(client, sql, values))), {
        code: 'PT503',
      })
    })
  }
  it('claim_order_ticketing says no, and expire_ticket_holds leaves the tier to the next run', async () => {
    await db.rows('update orders set tickets_issued_at = null where id = $1', [orderId])
    const claim = (client: pg.Client) =>
      valueAs(client, SERVICE, 'select claim_order_ticketing($1)', [orderId])
    assert.equal(await whileLocked(advisory(`order:${orderId}`), claim), false)
    const due = await addTier(db, eventId)
    await lapsed(due, 1)
    const expire = (client: pg.Client) => valueAs(client, SERVICE, 'select expire_ticket_holds()')
    assert.equal(await whileLocked(advisory(`tier:${due}`), expire), 0)
    assert.equal(await expire(db.client), 1)
  })
})

describe('above READ COMMITTED', () => {
  for (const level of ['repeatable read', 'serializable']) {
    it(`${level}: never oversold, losers get 40001, and with retries all is sold`, async () => {
      const tierId = await addTier(db, eventId, { total: 10 })
      const buyers = await crowd(20)
      let conflicts = 0
      const buy = async (client: pg.Client): Promise<Answer> => {
        for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
          try {
            await client.query(`begin isolation level ${level}`)
            const answer = await batch(client, [tierId], 1)
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
    const [early, late] = (await crowd(2)) as [pg.Client, pg.Client]
    await early.query('begin isolation level repeatable read')
    await early.query('select count(*) from ticket_holds')
    assert.equal(code(await batch(late, [tierId], 1)), 'success')
    assert.deepEqual(await refusalOf(batch(early, [tierId], 1)), { code: '40001' })
    await early.query('rollback')
  })
})

it('who holds for a user keeps others out also at the same moment', async () => {
  const tierId = await addTier(db, eventId)
  const [a, b] = (await crowd(2)) as [pg.Client, pg.Client]
  const reserve = (client: pg.Client) => () =>
    valueAs<Answer>(client, signedIn(randomUUID()), 'select reserve_tickets_batch($1, $2)', [
      JSON.stringify([{ tier_id: tierId, quantity: 1 }]),
      'contested',
    ])
  assert.deepEqual(tally(await allAt(`tier:${tierId}`, [reserve(a), reserve(b)])), {
    success: 1,
    FORBIDDEN: 1,
  })
})
