import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import type pg from 'pg'
import { GUARANTEES, type Protection } from '../../src/core/guarantees.ts'
import { takeAway } from '../../src/proof/sabotage/sabotage.ts'
import { openBoxOffice } from '../support/box-office.ts'
import { refusalOf } from '../support/callers.ts'
import { lawfulDatabase } from '../support/lawful-office.ts'
import { booksOf, completed, type PlacedOrder, paidOrder, placeOrder, receive } from '../support/money.ts'
import { undone } from '../support/undone.ts'

const db = await lawfulDatabase()
const { eventId } = await openBoxOffice(db)
const order = await paidOrder(db, { eventId })

type Entry = readonly [account: string, cents: number]

const enter = (
  client: pg.Client,
  entries: readonly Entry[],
  id: string = randomUUID(),
  cause = `raw:${id}`,
) =>
  client.query(
    `insert into ticketing.ledger_entries (transaction_id, account, order_id, event_id, amount_cents, currency, cause)
     select $1, e.account, $2, $3, e.cents, 'EUR', $4
     from jsonb_to_recordset($5) e(account text, cents bigint)`,
    [
      id,
      order.orderId,
      order.eventId,
      cause,
      JSON.stringify(entries.map(([account, cents]) => ({ account, cents }))),
    ],
  )

const balanced: readonly Entry[] = [
  ['captured', 100],
  ['pending', -100],
]
const BOOKS = GUARANTEES.find((g) => g.number === 8)
const refusing = (BOOKS?.protections ?? []).filter((p) => p.role === 'refuses')
const protection = (name: string) => refusing.find((p) => p.name === name) as Protection

describe('an entry that is written past the verbs', () => {
  const unbalanced: readonly [string, (client: pg.Client) => Promise<unknown>][] = [
    ['that stands alone', (client) => enter(client, [['captured', 1]])],
    [
      'with another that does not balance it',
      (client) =>
        enter(client, [
          ['captured', 100],
          ['tickets', -99],
        ]),
    ],
    [
      'that is added to a transaction that was whole',
      async (client) => {
        const id = randomUUID()
        await enter(client, balanced, id)
        await enter(client, [['fees', -1]], id, 'more')
      },
    ],
  ]
  for (const [what, write] of unbalanced) {
    it(`${what} is refused at once`, async () => {
      assert.deepEqual(await refusalOf(undone(db, write)), {
        code: '23514',
        by: 'trg_check_ledger_statement',
      })
    })
    it(`${what} is refused at the commit where the first protection is gone`, async () => {
      const work = undone(db, async (client) => {
        await takeAway(client, protection('trg_check_ledger_statement'))
        await write(client)
        await client.query('set constraints all immediate')
      })
      assert.deepEqual(await refusalOf(work), { code: '23514', by: 'trg_check_ledger_balance' })
    })
  }

  it('in two statements that balance each other is refused: one carries all of it', async () => {
    const halves = undone(db, async (client) => {
      const id = randomUUID()
      await enter(client, balanced, id)
      await enter(
        client,
        [
          ['refunds', 7],
          ['disputed', -7],
        ],
        id,
        'second half',
      )
    })
    assert.deepEqual(await refusalOf(halves), { code: '23514', by: 'trg_check_ledger_statement' })
  })

  it('is refused where its cause was booked already', async () => {
    const twice = undone(db, async (client) => {
      await enter(client, balanced, randomUUID(), 'once')
      await enter(client, balanced, randomUUID(), 'once')
    })
    assert.deepEqual(await refusalOf(twice), { code: '23505', by: 'uniq_ledger_cause' })
  })

  it('is seen by the law where nothing refuses it any more', async () => {
    await undone(db, async (client) => {
      for (const each of refusing) await takeAway(client, each)
      await enter(client, [['captured', 1]])
      const [law] = await db.rows<{ law: string; witnesses: { broken: string }[] }>(
        'select law, witnesses from ticketing.broken_laws()',
      )
      assert.equal(law?.law, 'books_balance')
      assert.ok(law?.witnesses.some((row) => row.broken === 'a transaction does not sum to zero'))
    })
  })
})

describe('book', () => {
  const book = (client: pg.Client, amounts: readonly number[], cause = 'test') =>
    client.query<{ booked: boolean }>(
      `select ticketing.book($1, 'EUR', $2, '{captured,tickets,fees}', $3) as booked`,
      [order.orderId, cause, amounts],
    )

  for (const amounts of [[1, 0, 0], [100, -99, -2], []])
    it(`refuses ${JSON.stringify(amounts)}`, async () => {
      assert.deepEqual(await refusalOf(undone(db, (client) => book(client, amounts))), {
        code: '23514',
        by: 'book',
      })
    })

  it('leaves zeros out, and books a cause once', async () => {
    await undone(db, async (client) => {
      assert.equal((await book(client, [5, -5, 0])).rows[0]?.booked, true)
      assert.equal((await book(client, [5, -5, 0])).rows[0]?.booked, false)
      assert.deepEqual(await booksOf(db, order), { captured: 4005, tickets: -4005 })
      assert.equal((await book(client, [0, 0, 0], 'nothing')).rows[0]?.booked, false)
    })
  })
})

describe('what is booked', () => {
  const refused = async (sql: string) =>
    assert.deepEqual(await refusalOf(undone(db, (client) => client.query(sql))), { code: '42501' })

  it('is never changed', () => refused(`update ticketing.ledger_entries set amount_cents = amount_cents * 2`))
  it('is not deleted in part', () =>
    refused(`delete from ticketing.ledger_entries where account = 'pending'`))
  for (const table of ['ticketing.ledger_entries', 'ticketing.payments', 'webhook_events'])
    it(`${table} is never truncated`, () => refused(`truncate ${table} cascade`))
  it('may be deleted transaction by transaction, with the order it is about', async () => {
    await undone(db, (client) =>
      client.query('delete from ticketing.ledger_entries where order_id = $1', [order.orderId]),
    )
  })
  it('an update of nothing is nothing', async () => {
    await undone(db, (client) =>
      client.query('update ticketing.ledger_entries set cause = cause where false'),
    )
  })
})

describe('the laws of money', () => {
  const off = (client: pg.Client, ...tables: readonly string[]) =>
    client.query(tables.map((table) => `alter table ${table} disable trigger user`).join(';'))
  const run = (sql: string) => (client: pg.Client, values: readonly unknown[]) =>
    client.query(sql, [...values])

  const broken: readonly [string, string, (client: pg.Client, paid: PlacedOrder) => Promise<unknown>][] = [
    [
      'paid_once_issued_once',
      'several payments are kept',
      async (client, { orderId }) => {
        await client.query('drop index ticketing.uniq_kept_payment_order')
        await run(`insert into ticketing.payments (id, order_id, event_id, amount_cents, currency, status)
          select 'pi_more', order_id, event_id, amount_cents, currency, status from ticketing.payments where order_id = $1`)(
          client,
          [orderId],
        )
      },
    ],
    [
      'paid_once_issued_once',
      'one payment is there several times',
      async (client, { orderId }) => {
        await client.query('alter table ticketing.payments drop constraint payments_pkey')
        await run(`insert into ticketing.payments (id, order_id, event_id, amount_cents, currency, status, reason)
          select id, order_id, event_id, amount_cents, currency, 'returned', 'TOO_LATE' from ticketing.payments where order_id = $1`)(
          client,
          [orderId],
        )
      },
    ],
    [
      'paid_once_issued_once',
      'the payment that is kept is not what the order costs',
      (client, { orderId }) =>
        run('update ticketing.payments set amount_cents = 1 where order_id = $1')(client, [orderId]),
    ],
    [
      'paid_once_issued_once',
      'paid, and no tickets were issued',
      (client, { orderId }) =>
        run('update orders set tickets_issued_at = null where id = $1')(client, [orderId]),
    ],
    [
      'paid_once_issued_once',
      'tickets were issued, and no payment is kept',
      (client, { orderId }) => run('delete from ticketing.payments where order_id = $1')(client, [orderId]),
    ],
    [
      'paid_once_issued_once',
      'more tickets than were ordered',
      (client, { orderId }) =>
        run(`insert into tickets (event_id, tier_id, order_id, order_item_id, ordinal)
          select event_id, tier_id, order_id, order_item_id, 99 from tickets where order_id = $1 limit 1`)(
          client,
          [orderId],
        ),
    ],
    [
      'paid_once_issued_once',
      'one place of an order has several tickets',
      async (client, { orderId }) => {
        await client.query('alter table tickets drop constraint uniq_ticket_order_item_ordinal')
        await run('update tickets set ordinal = 1 where order_id = $1')(client, [orderId])
      },
    ],
    [
      'paid_once_issued_once',
      'a payment is returned several times',
      async (client, { orderId }) => {
        await client.query('drop index ticketing.uniq_return_payment')
        await run(`insert into ticketing.refunds (payment_id, order_id, event_id, amount_cents, currency, cause)
          select id, order_id, event_id, 1, currency, 'TOO_LATE' from ticketing.payments, generate_series(1, 2)
          where order_id = $1`)(client, [orderId])
      },
    ],
    [
      'paid_once_issued_once',
      'more was sent back than was paid',
      (client, { orderId }) =>
        run(`insert into ticketing.refunds (payment_id, order_id, event_id, amount_cents, currency, cause, status)
          select id, order_id, event_id, amount_cents + 1, currency, 'dashboard', 'succeeded' from ticketing.payments
          where order_id = $1`)(client, [orderId]),
    ],
    [
      'paid_once_issued_once',
      'money is owed back, and it is not on its way',
      (client, { orderId }) =>
        run(`update tickets set status = 'refunded' where order_id = $1 and ordinal = 1`)(client, [orderId]),
    ],
    [
      'paid_once_issued_once',
      'refunded, says the order, and the money did not go',
      (client, { orderId }) =>
        run(`with t as (update tickets set status = 'refunded' where order_id = $1)
          update orders set status = 'refunded' where id = $1`)(client, [orderId]),
    ],
    [
      'books_balance',
      'a transaction does not sum to zero',
      async (client, { orderId }) => {
        await off(client, 'ticketing.ledger_entries')
        await run(`update ticketing.ledger_entries set amount_cents = amount_cents + 1
          where order_id = $1 and account = 'pending' and cause like 'issue:%'`)(client, [orderId])
      },
    ],
    [
      'books_balance',
      'captured is not what payments, refunds and tickets say',
      (client, { orderId, eventId: event }) =>
        run(`insert into ticketing.payments (id, order_id, event_id, amount_cents, currency, status, reason)
          values ('pi_unbooked', $1, $2, 5, 'EUR', 'returned', 'TOO_LATE')`)(client, [orderId, event]),
    ],
    [
      'books_balance',
      'refunds is not what payments, refunds and tickets say',
      (client, { orderId }) =>
        run(`insert into ticketing.refunds (payment_id, order_id, event_id, amount_cents, currency, cause, status)
          select id, order_id, event_id, 1, currency, 'dashboard', 'succeeded' from ticketing.payments where order_id = $1`)(
          client,
          [orderId],
        ),
    ],
    [
      'books_balance',
      'tickets is not what payments, refunds and tickets say',
      (client, { orderId }) =>
        run(`update tickets set status = 'refunded' where order_id = $1 and ordinal = 1`)(client, [orderId]),
    ],
  ]
  for (const [law, what, breakIt] of broken) {
    it(`${law} sees: ${what}`, async () => {
      const paid = await paidOrder(db, { eventId })
      await undone(db, async (client) => {
        await breakIt(client, paid)
        const seen = await db.rows<{ law: string; witnesses: { broken: string; order_id: string }[] }>(
          'select law, witnesses from ticketing.broken_laws()',
        )
        const witness = seen.find((row) => row.law === law)?.witnesses.find((row) => row.broken === what)
        assert.equal(witness?.order_id, paid.orderId, JSON.stringify(seen))
      })
    })
  }
})

it('what an unmatched payment brought stands outside the books', async () => {
  const stranger = await placeOrder(db, { eventId })
  const event = completed(stranger, { id: 'cs_strange', metadata: {} })
  assert.equal((await receive(db.client, event)).outcome, 'UNMATCHED')
  assert.deepEqual(await booksOf(db, stranger), {})
})
