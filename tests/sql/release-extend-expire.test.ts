import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { addTier, openBoxOffice } from '../support/box-office.ts'
import { ANON, type Caller, refusalOf, rowsAs, SERVICE, signedIn, valueAs } from '../support/callers.ts'
import { lawfulDatabase } from '../support/lawful-office.ts'

interface Answer {
  readonly success: boolean
  readonly error?: string
  readonly released?: number
  readonly expires_at?: string
}

const db = await lawfulDatabase()
const { eventId } = await openBoxOffice(db)
const ADA = randomUUID()
const BEN = randomUUID()

async function hold(session: string, caller: Caller = ANON, quantity = 2): Promise<string> {
  const tierId = await addTier(db, eventId)
  const cart = JSON.stringify([{ tier_id: tierId, quantity }])
  const answer = await valueAs<Answer>(db.client, caller, 'select reserve_tickets_batch($1, $2)', [
    cart,
    session,
  ])
  assert.equal(answer.success, true)
  return tierId
}

async function lapsed(session: string, total = 10): Promise<string> {
  const tierId = await addTier(db, eventId, { total })
  await db.rows(
    `insert into ticket_holds (event_id, tier_id, session_id, quantity, expires_at)
     values ($1, $2, $3, 2, now() - interval '1 minute')`,
    [eventId, tierId, session],
  )
  return tierId
}

const release = (session: string | null, caller: Caller = ANON) =>
  valueAs<Answer>(db.client, caller, 'select release_ticket_holds($1)', [session])
const extend = (session: string | null, minutes: number | null, caller: Caller = ANON) =>
  valueAs<Answer>(db.client, caller, 'select extend_ticket_holds($1, $2)', [session, minutes])
const giveBack = (tierId: string | null, quantity: number | null, caller: Caller) =>
  rowsAs(db.client, caller, 'select release_tickets($1, $2)', [tierId, quantity])
const reserved = (tierId: string) =>
  db.value<number>('select reserved_quantity from ticket_tiers where id = $1', [tierId])

describe('release_ticket_holds', () => {
  for (const [what, session] of [
    ['null', null],
    ['empty', ''],
    ['of 201 characters', 's'.repeat(201)],
  ] as const) {
    it(`answers INVALID_REQUEST to a session that is ${what}`, async () => {
      assert.equal((await release(session)).error, 'INVALID_REQUEST')
    })
  }

  it('gives back everything of the session, once', async () => {
    const tierId = await hold('r1')
    assert.deepEqual(await release('r1'), { success: true, released: 2 })
    assert.deepEqual(await release('r1'), { success: true, released: 0 })
    assert.equal(await reserved(tierId), 0)
  })

  it('answers 0 for a session that nobody has', async () => {
    assert.deepEqual(await release('nobody'), { success: true, released: 0 })
  })

  const callers: readonly [string, Caller, Caller, boolean][] = [
    ["a guest's by a guest who knows it", ANON, ANON, true],
    ["a guest's by a user who knows it", ANON, signedIn(ADA), true],
    ["a user's by that user", signedIn(ADA), signedIn(ADA), true],
    ["a user's by another user", signedIn(ADA), signedIn(BEN), false],
    ["a user's by a guest", signedIn(ADA), ANON, false],
    ["a user's by the service", signedIn(ADA), SERVICE, true],
    ["a user's by the owner", signedIn(ADA), null, true],
  ]
  for (const [what, holder, caller, may] of callers) {
    it(`${what}: ${may ? 'released and extended' : 'FORBIDDEN, and nothing changes'}`, async () => {
      const tierId = await hold(what, holder)
      assert.equal((await extend(what, 5, caller)).error, may ? undefined : 'FORBIDDEN')
      assert.equal((await release(what, caller)).error, may ? undefined : 'FORBIDDEN')
      assert.equal(await reserved(tierId), may ? 0 : 2)
      assert.equal(
        await db.value('select extended_at is not null from ticket_holds where session_id = $1', [what]),
        may,
      )
    })
  }
})

describe('extend_ticket_holds', () => {
  for (const minutes of [null, 0, -1, 31, 2_147_483_647]) {
    it(`answers INVALID_REQUEST to ${minutes} minutes`, async () => {
      assert.equal((await extend('e0', minutes)).error, 'INVALID_REQUEST')
    })
  }
  for (const session of [null, '', 's'.repeat(201)]) {
    it(`answers INVALID_REQUEST to a session of ${session?.length ?? 'null'} characters`, async () => {
      assert.equal((await extend(session, 1)).error, 'INVALID_REQUEST')
    })
  }

  it('moves the end once, and no further', async () => {
    await hold('e1')
    const before = await db.value<Date>(`select expires_at from ticket_holds where session_id = 'e1'`)
    const answer = await extend('e1', 10)
    assert.equal(new Date(answer.expires_at ?? '').getTime() - before.getTime(), 600_000)
    assert.equal((await extend('e1', 10)).error, 'ALREADY_EXTENDED')
  })

  it('extends the hold that came later, and says the earliest end', async () => {
    await hold('e2')
    const first = await extend('e2', 1)
    await hold('e2')
    assert.deepEqual(await extend('e2', 30), first)
  })

  it('does not revive what has lapsed or was released', async () => {
    await lapsed('e3')
    assert.equal((await extend('e3', 30)).error, 'NO_ACTIVE_HOLDS')
    await hold('e4')
    await release('e4')
    assert.equal((await extend('e4', 30)).error, 'NO_ACTIVE_HOLDS')
    assert.equal((await extend('nobody', 30)).error, 'NO_ACTIVE_HOLDS')
  })
})

describe('release_tickets', () => {
  for (const [tierId, quantity] of [
    [null, 1],
    [randomUUID(), null],
    [randomUUID(), 0],
    [randomUUID(), -1],
  ] as const) {
    it(`raises 22023 for ${tierId === null ? 'no tier' : `a quantity of ${quantity}`}, whoever asks`, async () => {
      assert.deepEqual(await refusalOf(giveBack(tierId, quantity, SERVICE)), { code: '22023' })
      assert.deepEqual(await refusalOf(giveBack(tierId, quantity, ANON)), { code: '22023' })
    })
  }

  it('gives back newest first, a part of a hold where that is enough', async () => {
    const tierId = await addTier(db, eventId)
    const reserve = 'select reserve_tickets_atomically($1, 2)'
    const old = await valueAs<{ hold_id: string }>(db.client, signedIn(ADA), reserve, [tierId])
    const young = await valueAs<{ hold_id: string }>(db.client, signedIn(ADA), reserve, [tierId])
    await giveBack(tierId, 3, signedIn(ADA))
    const holdOf = (id: string) => db.rows('select status, quantity from ticket_holds where id = $1', [id])
    assert.deepEqual(await holdOf(young.hold_id), [{ status: 'released', quantity: 2 }])
    assert.deepEqual(await holdOf(old.hold_id), [{ status: 'active', quantity: 1 }])
    await giveBack(tierId, 2_147_483_647, signedIn(ADA))
    assert.equal(await reserved(tierId), 0)
  })

  it('never takes from anybody else: not the guest from a guest, nor the service from a buyer', async () => {
    const tierId = await hold('guest of rt', ANON)
    await valueAs(db.client, signedIn(BEN), 'select reserve_tickets_atomically($1, 1)', [tierId])
    for (const caller of [ANON, signedIn(ADA), SERVICE, null]) await giveBack(tierId, 10, caller)
    assert.equal(await reserved(tierId), 3)
  })

  it('gives the service what it held without naming a session', async () => {
    const tierId = await addTier(db, eventId)
    await valueAs(db.client, SERVICE, 'select reserve_tickets_atomically($1, 2)', [tierId])
    await giveBack(tierId, 2, SERVICE)
    assert.equal(await reserved(tierId), 0)
  })

  it('does nothing for a tier that is not there', async () => {
    await giveBack(randomUUID(), 1, SERVICE)
  })
})

describe('expire_ticket_holds', () => {
  const expire = (limit: number | null) =>
    valueAs<number>(db.client, SERVICE, 'select expire_ticket_holds($1)', [limit])

  for (const limit of [null, 0, -1, 100_001]) {
    it(`raises 22023 for a limit of ${limit}`, async () => {
      assert.deepEqual(await refusalOf(expire(limit)), { code: '22023' })
    })
  }

  it('ends what is due, tier after tier up to the limit, and leaves what is not', async () => {
    await expire(1000)
    const due = [await lapsed('x1'), await lapsed('x2'), await lapsed('x3')]
    const living = await hold('x4')
    assert.equal(await expire(2), 2)
    assert.equal(await valueAs(db.client, SERVICE, 'select expire_ticket_holds()'), 1)
    assert.equal(await expire(1000), 0)
    for (const tierId of due) assert.equal(await reserved(tierId), 0)
    assert.equal(await reserved(living), 2)
  })

  for (const caller of [ANON, signedIn(ADA)]) {
    it(`is not for ${caller.role}`, async () => {
      assert.deepEqual(await refusalOf(rowsAs(db.client, caller, 'select expire_ticket_holds()')), {
        code: '42501',
      })
    })
  }
})
