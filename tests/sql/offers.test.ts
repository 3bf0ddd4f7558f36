import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { openBoxOffice } from '../support/box-office.ts'
import { ANON, type Caller, refusalOf, rowsAs, SERVICE, signedIn, valueAs } from '../support/callers.ts'
import { lawfulDatabase } from '../support/lawful-office.ts'

const db = await lawfulDatabase()
const { businessId } = await openBoxOffice(db)
const ada = signedIn(randomUUID())
const ben = signedIn(randomUUID())

function offer(
  total: number | null,
  { active = true, starts = '-1 day', ends = '1 day' } = {},
): Promise<string> {
  return db.value(
    `insert into discounts (business_id, title, total_people, active, starts_at, ends_at)
     values ($1, 'Offer', $2, $3, now() + $4::interval, now() + $5::interval) returning id`,
    [businessId, total, active, starts, ends],
  )
}

interface Answer {
  readonly success: boolean
  readonly error?: string
  readonly remaining: number
  readonly message?: string
  readonly claim_id?: string
  readonly qr_token?: string
}

const claim = (id: string | null, people: number | null, caller: Caller = ada) =>
  valueAs<Answer>(db.client, caller, 'select claim_offer_spots_atomically($1, $2)', [id, people])
const release = (id: string | null, people: number | null, caller: Caller = ada) =>
  rowsAs(db.client, caller, 'select release_offer_spots($1, $2)', [id, people])
const remaining = (id: string) =>
  db.value<number>('select people_remaining from discounts where id = $1', [id])

describe('claim_offer_spots_atomically', () => {
  const refusals: readonly [string, () => Promise<string | null>, number | null, Caller, string, number][] = [
    ['no party', () => offer(5), null, ada, 'INVALID_PARTY_SIZE', 0],
    ['a party of 0', () => offer(5), 0, ada, 'INVALID_PARTY_SIZE', 0],
    ['a negative party', () => offer(5), -1, ada, 'INVALID_PARTY_SIZE', 0],
    ['a party of 1001', () => offer(null), 1001, ada, 'INVALID_PARTY_SIZE', 0],
    ['a bad party of a guest', () => offer(5), 0, ANON, 'INVALID_PARTY_SIZE', 0],
    ['a guest', () => offer(5), 1, ANON, 'UNAUTHORIZED', 0],
    ['no offer', async () => null, 1, ada, 'OFFER_NOT_FOUND', 0],
    ['an unknown offer', async () => randomUUID(), 1, ada, 'OFFER_NOT_FOUND', 0],
    ['an offer that is off', () => offer(5, { active: false }), 9, ada, 'OFFER_INACTIVE', 5],
    ['an offer to come', () => offer(5, { starts: '1 hour' }), 1, ada, 'OFFER_INACTIVE', 5],
    ['an unlimited offer that is over', () => offer(null, { ends: '-1 hour' }), 1, ada, 'OFFER_INACTIVE', -1],
    ['a party of 6 for 5 places', () => offer(5), 6, ada, 'INSUFFICIENT_SPOTS', 5],
    ['a party for no places', () => offer(0), 1, SERVICE, 'INSUFFICIENT_SPOTS', 0],
  ]
  for (const [what, id, people, caller, code, left] of refusals) {
    it(`refuses ${what} with ${code}`, async () => {
      const { message, ...answer } = await claim(await id(), people, caller)
      assert.deepEqual(answer, { success: false, error: code, remaining: left })
      assert.ok(message)
    })
  }

  it('claims to the last place; unlimited says -1', async () => {
    const id = await offer(5)
    const { claim_id, qr_token, ...first } = await claim(id, 3)
    assert.deepEqual(first, { success: true, remaining: 2, status: 'claimed', replayed: false })
    assert.equal(await db.value('select id from offer_claims where qr_token = $1', [qr_token]), claim_id)
    assert.equal((await claim(id, 2, SERVICE)).remaining, 0)
    assert.equal((await claim(id, 1)).error, 'INSUFFICIENT_SPOTS')
    assert.equal((await claim(await offer(null), 1000)).remaining, -1)
  })
})

describe('release_offer_spots', () => {
  it("gives back the caller's own, newest first, and never above the total", async () => {
    const id = await offer(10)
    await claim(id, 3)
    await claim(id, 2)
    await claim(id, 4, ben)
    await release(id, 4)
    assert.equal(await remaining(id), 5)
    await release(id, 2_147_483_647)
    assert.equal(await remaining(id), 6)
    await release(id, 10, SERVICE)
    assert.equal(await remaining(id), 6)
    await release(id, 10, ben)
    assert.equal(await remaining(id), 10)
  })

  it('raises 22023 without an offer or a party', async () => {
    for (const [id, people] of [
      [null, 1],
      [randomUUID(), null],
      [randomUUID(), 0],
    ] as const)
      assert.deepEqual(await refusalOf(release(id, people)), { code: '22023' })
  })

  it('answers before the statement is cancelled, though a gate has one of the claims', async () => {
    const id = await offer(9)
    await claim(id, 1)
    const gate = await db.connect()
    await gate.query('begin')
    await gate.query('select from offer_claims where discount_id = $1 for update', [id])
    await db.rows(`set statement_timeout = '300ms'`)
    assert.deepEqual(await refusalOf(release(id, 1)), { code: 'PT503' })
    await db.rows('reset statement_timeout')
    await gate.query('commit')
    assert.equal(await remaining(id), 8)
  })

  it('is not for guests', async () => {
    assert.deepEqual(await refusalOf(release(await offer(1), 1, ANON)), { code: '42501' })
  })
})
