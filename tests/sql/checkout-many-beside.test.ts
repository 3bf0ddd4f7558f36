import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { refusalOf } from '../support/callers.ts'
import {
  askMany,
  askOne,
  broken,
  HOUSE,
  ONE,
  openTwins,
  prepare,
  type Request,
  setUp,
  TIERS,
} from './checkout-twins.ts'

describe('checkout_many beside others', async () => {
  const twins = await openTwins()
  const db = twins.batched
  const eventId = randomUUID()
  await setUp(db, eventId, Object.fromEntries(Object.keys(TIERS).map((slug) => [slug, randomUUID()])))
  const one = (more: Partial<Request> = {}) =>
    prepare(eventId, { tiers: ['free'], requests: [] }, { ...ONE, ...more })
  const told = (answers: readonly (object | null)[]) =>
    answers.map((it) => it && ('error_code' in it ? it.error_code : 'bought'))

  it('waits for no key: who uses it may wait for these tiers', async () => {
    const holder = await db.connect()
    await holder.query('begin')
    await holder.query(
      `select ticketing.lock_key('key:' || $1 || ':guest:' || md5('ada@example.org') || ':k1 of ' || $2)`,
      [HOUSE, eventId],
    )
    assert.deepEqual(told(await askMany(db, [one({ key: 'k1' }), one()])), [null, 'bought'])
    await holder.query('rollback')
    assert.deepEqual(told(await askMany(db, [one({ key: 'k1' }), one({ key: 'k1' })])), ['bought', null])
  })

  it('hands back what a role may not ask', async () => {
    await db.rows('revoke execute on function ticketing.checkout(jsonb) from anon')
    assert.deepEqual(told(await askMany(db, [one(), one({ by: 'ada' })])), [null, 'bought'])
    await db.rows('grant execute on function ticketing.checkout(jsonb) to anon')
    const stranger = { ...one(), caller: { role: 'nobody_of_that_name' } }
    assert.deepEqual(told(await askMany(db, [stranger, one({ quantity: 0 })])), [null, 'INVALID_QUANTITY'])
  })

  /** An event of its own, asked in one batch; what each was told. */
  const atNewEvent = async (
    asked: (name: string) => readonly [tier: string, more: Partial<Request>, event?: string][],
    before: (id: string) => Promise<unknown> = async () => {},
  ) => {
    const id = randomUUID()
    await setUp(db, id, Object.fromEntries(Object.keys(TIERS).map((slug) => [slug, randomUUID()])))
    await before(id)
    const requests = asked(id).map(([tier, more, event = id]) => {
      const it = prepare(id, { tiers: [tier], requests: [] }, { ...ONE, ...more })
      return { ...it, body: { ...it.body, event } }
    })
    return askMany(db, requests)
  }

  it('tells nobody what is so of a neighbour', async () => {
    const answers = await atNewEvent(
      () => [
        ['few', { email: 'none', expected: 7 }],
        ['few', {}],
        ['few', { quantity: 3, key: 'k1' }],
      ],
      (id) => askOne(db, prepare(id, { tiers: ['few'], requests: [] }, { ...ONE, key: 'k1' })),
    )
    assert.deepEqual(told(answers), ['INVALID_REQUEST', 'bought', null])
  })

  it('takes a key of an event that there is not for any key of its caller', async () => {
    const slug = `gala-${randomUUID().slice(0, 8)}`
    const answers = await atNewEvent(
      () => [
        ['free', { key: 'k1' }, slug],
        ['free', { key: 'k1' }, slug.toUpperCase()],
      ],
      (id) => db.rows('update events set slug = $2 where id = $1', [id, slug]),
    )
    assert.deepEqual(told(answers), ['bought', null])
  })

  it('says at once what is refused at once, though its tier is busy', async () => {
    const holder = await db.connect()
    await holder.query('begin')
    const answers = await atNewEvent(
      () => [
        ['few', { quantity: 3 }],
        ['few', {}],
      ],
      async (id) => {
        await holder.query(`select from ticket_tiers where event_id = $1 and slug = 'few' for update`, [id])
        await db.rows(`set statement_timeout = '1s'`)
      },
    )
    await db.rows('reset statement_timeout')
    await holder.query('rollback')
    assert.deepEqual(told(answers), ['LIMIT_EXCEEDED', 'LOCK_TIMEOUT'])
  })

  it('writes together all but who cannot be asked for', async () => {
    await db.rows('alter function ticketing.buy(record, jsonb, boolean) rename to buy_alone')
    const answers = await atNewEvent(() => [
      ['free', { email: 'none' }],
      ['free', {}],
      ['free', { by: 'ben', key: 'k1' }],
    ])
    await db.rows('alter function ticketing.buy_alone(record, jsonb, boolean) rename to buy')
    assert.deepEqual(told(answers), ['INVALID_REQUEST', 'bought', 'bought'])
  })

  it('sells for no more than was expected where the price falls between two looks', async () => {
    await broken(
      twins,
      'look_at_carts',
      `v_failed := '[]';`,
      `v_failed := '[]'; update public.ticket_tiers set price_cents = 1000 where id = v_cart.tier_ids[1] and price_cents = 1500;`,
    )
    const answers = await atNewEvent(() => [
      ['paid', { expected: 1_500 }],
      ['paid', { quantity: 2, expected: 2_000 }],
    ])
    assert.deepEqual(
      answers.map((it) => it && 'total_cents' in it && it.total_cents),
      [1_500, 2_000],
    )
  })

  it('refuses lists of other lengths, and none', async () => {
    const body = JSON.stringify(one().body)
    for (const lists of [
      ['{}', null, null],
      [[body], ['anon', 'anon'], null],
      [[body], null, [null, null]],
      [Array(101).fill(body), null, null],
      [null, null, null],
    ])
      assert.equal(
        (await refusalOf(db.rows('select ticketing.checkout_many($1::jsonb[], $2, $3)', lists))).code,
        '22023',
      )
  })
})
