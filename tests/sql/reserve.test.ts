import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { addTier, openBoxOffice } from '../support/box-office.ts'
import { ANON, type Caller, refusalOf, SERVICE, signedIn, valueAs } from '../support/callers.ts'
import { lawfulDatabase } from '../support/lawful-office.ts'

interface Answer {
  readonly success: boolean
  readonly error?: string
  readonly error_code?: string
  readonly failed?: readonly { tier_id: string; requested: number; available: number; error: string }[]
  readonly reservations?: readonly { tier_id: string; quantity: number; held: number; remaining: number }[]
  readonly session_id?: string
  readonly user_id?: string | null
  readonly total_items?: number
  readonly expires_at?: string
  readonly available?: number
}

const db = await lawfulDatabase()
const { businessId, eventId } = await openBoxOffice(db)
const ADA = randomUUID()
const BEN = randomUUID()

const tier = {
  open: await addTier(db, eventId),
  other: await addTier(db, eventId),
  few: await addTier(db, eventId, { total: 2 }),
  none: await addTier(db, eventId, { total: 0 }),
  limited: await addTier(db, eventId, { total: 100, maxPerOrder: 2 }),
  huge: await addTier(db, eventId, { total: 10_000_000 }),
  paused: await addTier(db, eventId, { status: 'paused' }),
  closed: await addTier(db, eventId, { status: 'closed' }),
  early: await addTier(db, eventId, { saleStartAt: '2999-01-01' }),
  late: await addTier(db, eventId, { saleEndAt: '2001-01-01' }),
  draft: await addTier(db, await event('draft', '1 day')),
  cancelled: await addTier(db, await event('cancelled', '1 day')),
  ended: await addTier(db, await event('published', '-1 hour')),
  endedPaused: await addTier(db, await event('published', '-1 hour'), { status: 'paused' }),
  endedEarly: await addTier(db, await event('published', '-1 hour'), { saleStartAt: '2999-01-01' }),
  unknown: '00000000-0000-0000-0001-000000000099',
  elsewhere: await addTier(db, (await openBoxOffice(db)).eventId),
  elsewherePaused: await addTier(db, (await openBoxOffice(db)).eventId, { status: 'paused' }),
}

function event(status: string, endsIn: string): Promise<string> {
  return db.value(
    `insert into events (business_id, slug, title, start_at, end_at, status)
     values ($1, 'e-' || left(gen_random_uuid()::text, 8), 'Event', now() - interval '1 day', now() + $3::interval, $2)
     returning id`,
    [businessId, status, endsIn],
  )
}

function batch(cart: unknown, more: readonly unknown[] = [], caller: Caller = SERVICE): Promise<Answer> {
  const values = [typeof cart === 'string' ? cart : JSON.stringify(cart), ...more]
  return valueAs(
    db.client,
    caller,
    `select reserve_tickets_batch(${values.map((_, i) => `$${i + 1}`).join(', ')})`,
    values,
  )
}

const atomically = (tierId: string | null, quantity: number | null, caller: Caller = SERVICE) =>
  valueAs<Answer>(db.client, caller, 'select reserve_tickets_atomically($1, $2)', [tierId, quantity])

const held = () => db.value<string>('select count(*) from ticket_holds')

describe('reserve_tickets_batch', () => {
  const one = (tierId: unknown, quantity: unknown) => [{ tier_id: tierId, quantity }]
  const refusals: readonly [string, unknown, string, (readonly unknown[])?][] = [
    ['no list', null, 'INVALID_REQUEST'],
    ['json null', 'null', 'INVALID_REQUEST'],
    ['an object', {}, 'INVALID_REQUEST'],
    ['a number', 7, 'INVALID_REQUEST'],
    ['an empty list', [], 'INVALID_REQUEST'],
    ['51 lines', Array.from({ length: 51 }, () => ({ tier_id: tier.open, quantity: 1 })), 'INVALID_REQUEST'],
    ['a line that is a number', [1], 'INVALID_REQUEST'],
    ['a line that is a list', [[tier.open, 1]], 'INVALID_REQUEST'],
    ['a line that is null', [null], 'INVALID_REQUEST'],
    ['no tier id', [{ quantity: 1 }], 'INVALID_REQUEST'],
    ['a tier id that is null', one(null, 1), 'INVALID_REQUEST'],
    ['a tier id that is a word', one('floor', 1), 'INVALID_REQUEST'],
    ['a tier id that is a number', one(7, 1), 'INVALID_REQUEST'],
    ['a tier id that is an object', one({ id: tier.open }, 1), 'INVALID_REQUEST'],
    ['a tier id with a line end', one(`${tier.open}\n`, 1), 'INVALID_REQUEST'],
    ['a session that is empty', one(tier.open, 1), 'INVALID_REQUEST', ['']],
    ['a session of 201 characters', one(tier.open, 1), 'INVALID_REQUEST', ['s'.repeat(201)]],
    ['no lifetime', one(tier.open, 1), 'INVALID_REQUEST', ['life', null, null]],
    ['a lifetime of 0', one(tier.open, 1), 'INVALID_REQUEST', ['life', null, 0]],
    ['a lifetime of 61', one(tier.open, 1), 'INVALID_REQUEST', ['life', null, 61]],
    ['a huge lifetime', one(tier.open, 1), 'INVALID_REQUEST', ['life', null, 2_147_483_647]],
    ['a bad tier before a bad quantity', [...one(tier.open, 0), ...one('floor', 1)], 'INVALID_REQUEST'],
    ['no quantity', [{ tier_id: tier.open }], 'INVALID_QUANTITY'],
    ['a quantity of null', one(tier.open, null), 'INVALID_QUANTITY'],
    ['a quantity of 0', one(tier.open, 0), 'INVALID_QUANTITY'],
    ['a negative quantity', one(tier.open, -1), 'INVALID_QUANTITY'],
    ['a fraction', one(tier.open, 1.5), 'INVALID_QUANTITY'],
    ['a quantity of 1001', one(tier.open, 1001), 'INVALID_QUANTITY'],
    ['a quantity of 2^31', one(tier.open, 2 ** 31), 'INVALID_QUANTITY'],
    ['a quantity of 1e300', one(tier.open, 1e300), 'INVALID_QUANTITY'],
    ['a quantity in quotes', one(tier.open, '1'), 'INVALID_QUANTITY'],
    ['a quantity that is true', one(tier.open, true), 'INVALID_QUANTITY'],
    ['a quantity that is a list', one(tier.open, [1]), 'INVALID_QUANTITY'],
    ['600 and 600 of one tier', [...one(tier.huge, 600), ...one(tier.huge, 600)], 'INVALID_QUANTITY'],
    ['a bad quantity of an unknown tier', one(tier.unknown, 0), 'INVALID_QUANTITY'],
    ['an unknown tier', one(tier.unknown, 1), 'TIER_NOT_FOUND'],
    ['a paused tier', one(tier.paused, 1), 'TIER_INACTIVE'],
    ['a closed tier', one(tier.closed, 1), 'TIER_INACTIVE'],
    ['a draft event', one(tier.draft, 1), 'TIER_INACTIVE'],
    ['a cancelled event', one(tier.cancelled, 1), 'TIER_INACTIVE'],
    ['a paused tier of an ended event', one(tier.endedPaused, 1), 'TIER_INACTIVE'],
    ['an ended event', one(tier.ended, 1), 'EVENT_ENDED'],
    ['an ended event whose sale never began', one(tier.endedEarly, 1), 'EVENT_ENDED'],
    ['a sale to come', one(tier.early, 1), 'SALE_NOT_OPEN'],
    ['a sale that is over', one(tier.late, 1), 'SALE_NOT_OPEN'],
    ['3 where an order may have 2', one(tier.limited, 3), 'LIMIT_EXCEEDED'],
    ['3 of a tier of 2', one(tier.few, 3), 'INSUFFICIENT_TICKETS'],
    ['1 of a tier of 0', one(tier.none, 1), 'INSUFFICIENT_TICKETS'],
    [
      'a cart of which one tier is sold out',
      [...one(tier.open, 1), ...one(tier.none, 1)],
      'INSUFFICIENT_TICKETS',
    ],
    [
      'the same tier twice, together too many',
      [...one(tier.few, 2), ...one(tier.few, 1)],
      'INSUFFICIENT_TICKETS',
    ],
    [
      'several reasons: the first of the precedence',
      [...one(tier.none, 1), ...one(tier.limited, 3), ...one(tier.early, 1), ...one(tier.ended, 1)],
      'EVENT_ENDED',
    ],
    [
      'several reasons, an unknown tier last',
      [...one(tier.paused, 1), ...one(tier.unknown, 1)],
      'TIER_NOT_FOUND',
    ],
    ['tiers of two businesses', [...one(tier.open, 1), ...one(tier.elsewhere, 1)], 'SEVERAL_BUSINESSES'],
    [
      'tiers of two businesses, an unknown one between them',
      [...one(tier.open, 1), ...one(tier.unknown, 1), ...one(tier.elsewhere, 1)],
      'TIER_NOT_FOUND',
    ],
    [
      'tiers of two businesses, of which nothing else could be held either',
      [...one(tier.ended, 1), ...one(tier.paused, 1), ...one(tier.none, 1), ...one(tier.elsewherePaused, 1)],
      'SEVERAL_BUSINESSES',
    ],
    [
      'a quantity of 0 at two businesses',
      [...one(tier.open, 1), ...one(tier.elsewhere, 0)],
      'INVALID_QUANTITY',
    ],
  ]
  for (const [what, cart, code, more] of refusals) {
    it(`refuses ${what} with ${code}, and holds nothing`, async () => {
      const before = await held()
      const answer = await batch(cart, more)
      assert.equal(answer.success, false)
      assert.equal(answer.error_code, code)
      assert.equal(typeof answer.error, 'string')
      assert.ok(Array.isArray(answer.failed))
      assert.equal(await held(), before)
    })
  }

  it('names each tier that is not of the first one’s business, also behind an unknown one', async () => {
    const cart = [
      ...one(tier.unknown, 1),
      ...one(tier.open, 1),
      ...one(tier.unknown.replace('99', '98'), 1),
      ...one(tier.elsewhere, 1),
    ]
    const { failed = [] } = await batch(cart)
    assert.deepEqual(
      failed.map(({ error }) => error),
      ['TIER_NOT_FOUND', 'TIER_NOT_FOUND', 'SEVERAL_BUSINESSES'],
    )
    const guest = await batch([...one(tier.open, 1), ...one(tier.elsewhere, 1)], ['guest-cart'], ANON)
    assert.equal(guest.error_code, 'SEVERAL_BUSINESSES')
  })

  it('holds tiers of two events of one business', async () => {
    const second = await addTier(db, await event('published', '1 day'))
    assert.equal((await batch([...one(tier.open, 1), ...one(second, 1)])).success, true)
  })

  it('names every tier that is refused, with what is available', async () => {
    const answer = await batch([...one(tier.open, 1), ...one(tier.few, 3), ...one(tier.none, 1)])
    assert.deepEqual(answer.failed, [
      { tier_id: tier.few, requested: 3, available: 2, error: 'INSUFFICIENT_TICKETS' },
      { tier_id: tier.none, requested: 1, available: 0, error: 'INSUFFICIENT_TICKETS' },
    ])
  })

  it('refuses malformed JSON as PostgreSQL does, before it is called', async () => {
    assert.equal((await refusalOf(batch('[{'))).code, '22P02')
  })

  it('holds a cart, sums the same tier, and says what was granted and what is held', async () => {
    const a = await addTier(db, eventId)
    const b = await addTier(db, eventId, { total: 1000 })
    const answer = await batch([...one(b, 1), ...one(a, 2), ...one(b, 999)], ['cart', ADA, 5])
    assert.equal(answer.success, true)
    assert.equal(answer.session_id, 'cart')
    assert.equal(answer.user_id, ADA)
    assert.equal(answer.total_items, 1002)
    assert.deepEqual(
      answer.reservations?.map(({ tier_id, quantity, held, remaining }) => ({
        tier_id,
        quantity,
        held,
        remaining,
      })),
      [
        { tier_id: b, quantity: 1000, held: 1000, remaining: 0 },
        { tier_id: a, quantity: 2, held: 2, remaining: 8 },
      ],
    )
  })

  it('adds to a hold of the session and does not move its end', async () => {
    const a = await addTier(db, eventId)
    const first = await batch(one(a, 1), ['adds', null, 5])
    const second = await batch(one(a, 2), ['adds', null, 60])
    assert.equal(second.expires_at, first.expires_at)
    assert.equal(second.reservations?.[0]?.held, 3)
    assert.equal(await db.value(`select count(*)::int from ticket_holds where session_id = 'adds'`), 1)
  })

  it('counts what the session holds toward the limit of an order', async () => {
    assert.equal((await batch(one(tier.limited, 2), ['limit'])).success, true)
    assert.equal((await batch(one(tier.limited, 1), ['limit'])).error_code, 'LIMIT_EXCEEDED')
  })

  it('ends a lapsed hold of the session first, also where there is stock left', async () => {
    const a = await addTier(db, eventId)
    await lapsed(a, 'late guest', 4)
    const answer = await batch(one(a, 1), ['late guest'])
    assert.equal(answer.reservations?.[0]?.held, 1)
    assert.equal(answer.reservations?.[0]?.remaining, 9)
    assert.deepEqual(
      await db.rows(
        `select quantity, status from ticket_holds where session_id = 'late guest' order by quantity`,
      ),
      [
        { quantity: 1, status: 'active' },
        { quantity: 4, status: 'expired' },
      ],
    )
  })

  it('takes over what has lapsed before it says sold out', async () => {
    const a = await addTier(db, eventId, { total: 3 })
    await lapsed(a, 'gone', 3)
    assert.equal((await batch(one(a, 2))).success, true)
    assert.equal((await batch(one(a, 2))).failed?.[0]?.available, 1)
  })

  it('gives a session that is not named an id that nobody else has', async () => {
    const a = await addTier(db, eventId)
    const [first, second] = [await batch(one(a, 1), [], ANON), await batch(one(a, 1), [], ANON)]
    assert.match(first.session_id ?? '', /^session:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{32}$/)
    assert.notEqual(first.session_id, second.session_id)
  })

  const callers: readonly [string, Caller, string | null, string | undefined][] = [
    ['a guest names nobody', ANON, null, undefined],
    ['a guest names a user', ANON, ADA, 'FORBIDDEN'],
    ['a user names nobody', signedIn(ADA), null, undefined],
    ['a user names itself', signedIn(ADA), ADA, undefined],
    ['a user names another', signedIn(ADA), BEN, 'FORBIDDEN'],
    ['the service names a user', SERVICE, BEN, undefined],
    ['the owner names a user', null, BEN, undefined],
  ]
  for (const [what, caller, userId, code] of callers) {
    it(`${what}: ${code ?? 'held'}`, async () => {
      const a = await addTier(db, eventId)
      const answer = await batch(one(a, 1), [`of ${what}`, userId], caller)
      assert.equal(answer.error_code, code)
      if (code === undefined) assert.equal(answer.user_id, userId ?? caller?.userId ?? null)
    })
  }

  it('lets nobody into the session of a user, in any tier, whatever else would be refused', async () => {
    const a = await addTier(db, eventId)
    await batch(one(a, 1), ['of ada'], signedIn(ADA))
    for (const cart of [one(a, 1), one(tier.other, 1), one(tier.unknown, 1), one(tier.none, 1)]) {
      assert.equal((await batch(cart, ['of ada'], signedIn(BEN))).error_code, 'FORBIDDEN')
      assert.equal((await batch(cart, ['of ada'], ANON)).error_code, 'FORBIDDEN')
    }
    assert.equal((await batch(one(a, 1), ['of ada'], signedIn(ADA))).reservations?.[0]?.held, 2)
  })

  it("gives a guest's session to the user who knows it", async () => {
    const a = await addTier(db, eventId)
    await batch(one(a, 1), ['signs in'], ANON)
    assert.equal((await batch(one(a, 1), ['signs in'], signedIn(ADA))).reservations?.[0]?.held, 2)
    assert.equal((await batch(one(a, 1), ['signs in'], ANON)).error_code, 'FORBIDDEN')
  })
})

describe('reserve_tickets_atomically', () => {
  const refusals: readonly [string, string | null, number | null, string, number][] = [
    ['no quantity', tier.open, null, 'INVALID_QUANTITY', 0],
    ['a quantity of 0', tier.open, 0, 'INVALID_QUANTITY', 0],
    ['a negative quantity', tier.open, -5, 'INVALID_QUANTITY', 0],
    ['a quantity of 1001', tier.open, 1001, 'INVALID_QUANTITY', 0],
    ['the largest quantity', tier.open, 2_147_483_647, 'INVALID_QUANTITY', 0],
    ['a bad quantity of no tier', null, 0, 'INVALID_QUANTITY', 0],
    ['no tier', null, 1, 'TIER_NOT_FOUND', 0],
    ['an unknown tier', tier.unknown, 1, 'TIER_NOT_FOUND', 0],
    ['a paused tier', tier.paused, 1, 'TIER_INACTIVE', 10],
    ['an ended event', tier.ended, 1, 'SALE_NOT_OPEN', 10],
    ['a sale to come', tier.early, 1, 'SALE_NOT_OPEN', 10],
    ['more than one order may have', tier.limited, 3, 'LIMIT_EXCEEDED', 98],
    ['more than are left', tier.few, 3, 'INSUFFICIENT_TICKETS', 2],
  ]
  for (const [what, tierId, quantity, code, available] of refusals) {
    it(`refuses ${what} with ${code}, and holds nothing`, async () => {
      const before = await held()
      const { message, ...answer } = (await atomically(tierId, quantity)) as Answer & { message: string }
      assert.deepEqual(answer, { success: false, error: code, available })
      assert.ok(message.length > 0)
      assert.equal(await held(), before)
    })
  }
  for (const [who, caller] of [
    ['a guest', ANON],
    ['a user', signedIn(ADA)],
    ['the service', SERVICE],
  ] as const) {
    it(`holds for ${who}, each time in a session of its own`, async () => {
      const a = await addTier(db, eventId, { total: 3 })
      const first = await atomically(a, 1, caller)
      const second = await atomically(a, 2, caller)
      assert.deepEqual(Object.keys(first).sort(), [
        'expires_at',
        'hold_id',
        'remaining',
        'session_id',
        'success',
      ])
      assert.notEqual(first.session_id, second.session_id)
      assert.equal((await atomically(a, 1, caller)).error, 'INSUFFICIENT_TICKETS')
    })
  }
})

async function lapsed(tierId: string, sessionId: string, quantity: number): Promise<void> {
  await db.rows(
    `insert into ticket_holds (event_id, tier_id, session_id, quantity, expires_at)
     values ($1, $2, $3, $4, now() - interval '1 minute')`,
    [eventId, tierId, sessionId, quantity],
  )
}
